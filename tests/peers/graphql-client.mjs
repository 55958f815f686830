// graphql-client.mjs subscribe URL KEY COUNT QUERY...: subscribes to all of them at once; a line of JSON for each result, and the end of each.
// graphql-client.mjs schema URL KEY: asks for the schema, builds a client's from it and prints it.
import { createClient } from 'graphql-ws';
import { buildClientSchema, getIntrospectionQuery, printSchema, validateSchema } from 'graphql';
import WebSocket from 'ws';

const [mode, url, key, count, ...queries] = process.argv.slice(2);

if (mode === 'schema') {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query: getIntrospectionQuery({ descriptions: true }) }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  const schema = buildClientSchema(data);
  const problems = validateSchema(schema);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  console.log(printSchema(schema));
  process.exit(0);
}

class Keyed extends WebSocket {
  constructor(address, protocols) { super(address, protocols, { headers: { 'X-Api-Key': key } }); }
}

const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: Keyed, retryAttempts: 0, lazy: false });
client.on('connected', () => console.log(JSON.stringify({ connected: true })));
await Promise.all(queries.map((query, index) => new Promise((resolve) => {
  let seen = 0;
  const stop = client.subscribe({ query }, {
    next: (result) => {
      console.log(JSON.stringify({ index, result }));
      seen += 1;
      if (seen === Number(count)) stop();
    },
    error: (error) => { console.log(JSON.stringify({ index, error })); resolve(); },
    complete: () => { console.log(JSON.stringify({ index, complete: seen })); resolve(); },
  });
})));
await client.dispose();
