// An OpenID Connect provider that is not ours: people sign in with any password, and their name says what roles they have.
// node oidc-provider.mjs PORT REDIRECT_URI
import * as oidc from 'oidc-provider';

const [port, redirect] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const roles = { anna: ['plant-operators'], otto: ['plant-admins', 'something-else'], robot: ['plant-readers'] };
const provider = new oidc.Provider(issuer, {
  clients: [
    { client_id: 'oee', client_secret: 'a-secret-of-the-client', redirect_uris: [redirect], response_types: ['code'] },
    {
      client_id: 'robot', client_secret: 'a-secret-of-the-robot', grant_types: ['client_credentials'], redirect_uris: [],
      response_types: [],
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'realm'] },
  scopes: ['openid', 'profile', 'api'],
  findAccount: (_, id) => ({
    accountId: id, claims: () => ({ sub: `id-of-${id}`, preferred_username: id, realm: { roles: roles[id] ?? [] } }),
  }),
  extraTokenClaims: (_, token) => ({ preferred_username: token.clientId, realm: { roles: roles[token.clientId] ?? [] } }),
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_, client) => (client.clientId === 'robot' ? 'urn:oee-api' : undefined),
      getResourceServerInfo: (_, resource) => ({
        scope: 'api', audience: resource === 'urn:oee-api' ? 'oee-api' : resource, accessTokenFormat: 'jwt',
      }),
      useGrantedResource: () => true,
    },
  },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
