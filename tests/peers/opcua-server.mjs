// An OPC UA server nobody here wrote (npm node-opcua), told by lines of JSON on its input what to do.
// node opcua-server.mjs '{"port":0,"pki":"/tmp/x","nodes":0,"counters":10,"history":false,"maxSessions":100,"host":null}'
import { createRequire } from 'node:module';
import readline from 'node:readline';
const require = createRequire(import.meta.url);
const opcua = require('node-opcua');
const {
  OPCUAServer, OPCUACertificateManager, Variant, DataType, VariantArrayType, StatusCodes, SecurityPolicy, MessageSecurityMode,
  DataValue, AccessLevelFlag, ServerState,
} = opcua;

const options = JSON.parse(process.argv[2] ?? '{}');
const say = line => process.stdout.write(`${line}\n`);

const manager = name => new OPCUACertificateManager({
  rootFolder: `${options.pki}/${name}`, automaticallyAcceptUnknownCertificate: options.acceptAll ?? true,
});
const serverCertificateManager = manager('server');
const userCertificateManager = manager('users');
await serverCertificateManager.initialize();
await userCertificateManager.initialize();

const server = new OPCUAServer({
  port: options.port ?? 0,
  resourcePath: options.path ?? '/UA',
  hostname: options.host ?? undefined,
  serverCertificateManager,
  userCertificateManager,
  ...(options.certificateFile ? { certificateFile: options.certificateFile, privateKeyFile: options.privateKeyFile } : {}),
  ...(options.applicationUri ? { serverInfo: { applicationUri: options.applicationUri } } : {}),
  securityPolicies: options.policies?.map(p => SecurityPolicy[p]) ?? [
    SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss,
  ],
  securityModes: options.modes ?? [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
  allowAnonymous: true,
  userManager: { isValidUser: (user, password) => user === 'operator' && password === 'pä55 wörd' },
  maxConnectionsPerEndpoint: 200,
  serverCapabilities: {
    maxSessions: options.maxSessions ?? 100,
    maxMonitoredItems: 200_000, maxMonitoredItemsPerSubscription: 200_000,
    operationLimits: options.limits ?? { maxNodesPerRead: 1000, maxNodesPerBrowse: 1000, maxMonitoredItemsPerCall: 1000 },
    ...(options.capabilities ?? {}),
  },
  buildInfo: { productName: 'peer', buildNumber: '1', buildDate: new Date(2026, 0, 1) },
});
await server.initialize();
// As many small servers do, which know no TransferSubscriptions.
if (options.noTransfer) {
  server.engine.transferSubscription = async () => new (require('node-opcua-service-subscription').TransferResult)({ statusCode: StatusCodes.BadServiceUnsupported });
}

const addressSpace = server.engine.addressSpace;
if (options.extraNamespace) addressSpace.registerNamespace(options.extraNamespace);
const own = addressSpace.registerNamespace('urn:oee:peer');
const objects = addressSpace.rootFolder.objects;
const plant = own.addFolder(objects, { browseName: 'Plant', nodeId: 's=Plant' });
const variables = new Map();

function add(id, dataType, value, more = {}) {
  const variable = own.addVariable({
    componentOf: more.parent ?? plant, browseName: id, nodeId: `s=${id}`, dataType, minimumSamplingInterval: more.minimumSamplingInterval ?? 0,
    accessLevel: more.accessLevel ?? (AccessLevelFlag.CurrentRead | AccessLevelFlag.CurrentWrite),
    userAccessLevel: more.accessLevel ?? (AccessLevelFlag.CurrentRead | AccessLevelFlag.CurrentWrite),
    valueRank: more.valueRank, arrayDimensions: more.arrayDimensions,
    value: value instanceof Variant ? value : new Variant({
      dataType: more.variantType ?? dataType, value, arrayType: VariantArrayType.Scalar, ...(more.variant ?? {}),
    }),
  });
  variables.set(id, variable);
  return variable;
}

const scalars = {
  Boolean: [DataType.Boolean, true], SByte: [DataType.SByte, -128], Byte: [DataType.Byte, 255], Int16: [DataType.Int16, -32768],
  UInt16: [DataType.UInt16, 65535], Int32: [DataType.Int32, -2147483648], UInt32: [DataType.UInt32, 4294967295],
  Int64: [DataType.Int64, [0x80000000, 1]], UInt64: [DataType.UInt64, [0xffffffff, 0xfffffffe]], Float: [DataType.Float, 0.1],
  Double: [DataType.Double, 0.1], String: [DataType.String, 'Füller ☃ 1'], DateTime: [DataType.DateTime, new Date('2026-11-27T12:34:56.789Z')],
  Guid: [DataType.Guid, '72962B91-FA75-4AE6-8D28-B404DC7DAF63'], ByteString: [DataType.ByteString, Buffer.from([0, 1, 254, 255])],
  XmlElement: [DataType.XmlElement, '<a>1</a>'], NodeId: [DataType.NodeId, opcua.resolveNodeId('ns=2;s=x')],
  StatusCode: [DataType.StatusCode, StatusCodes.BadNoData], QualifiedName: [DataType.QualifiedName, { namespaceIndex: 3, name: 'q' }],
  LocalizedText: [DataType.LocalizedText, { locale: 'de', text: 'Füller' }],
};
for (const [name, [dataType, value]] of Object.entries(scalars)) {
  add(`Scalar.${name}`, dataType, value);
  add(`Write.${name}`, dataType, value);
}

add('Scalar.NaN', DataType.Double, NaN);
add('Scalar.Infinity', DataType.Float, Infinity);
add('Array.Int32', DataType.Int32, new Int32Array([1, -2, 3]), { valueRank: 1, variant: { arrayType: VariantArrayType.Array } });
add('Array.Double', DataType.Double, new Float64Array([0.5, 1.5]), { valueRank: 1, variant: { arrayType: VariantArrayType.Array } });
add('Array.String', DataType.String, ['a', '', 'ü'], { valueRank: 1, variant: { arrayType: VariantArrayType.Array } });
add('Array.UInt64', DataType.UInt64, [[0, 1], [0xffffffff, 0xffffffff]], { valueRank: 1, variant: { arrayType: VariantArrayType.Array } });
add('Array.Boolean', DataType.Boolean, [true, false, true], { valueRank: 1, variant: { arrayType: VariantArrayType.Array } });
add('Write.Doubles', DataType.Double, new Float64Array(0), { valueRank: 1, variant: { arrayType: VariantArrayType.Array } });
add('Write.Matrix', DataType.Int32, new Int32Array(6),
  { valueRank: 2, arrayDimensions: [2, 3], variant: { arrayType: VariantArrayType.Matrix, dimensions: [2, 3] } });
add('Array.Empty', DataType.Int32, new Int32Array(0), { valueRank: 1, variant: { arrayType: VariantArrayType.Array } });
add('Array.Large', DataType.Double, Float64Array.from({ length: 100_000 }, (_, i) => i / 3),
  { valueRank: 1, variant: { arrayType: VariantArrayType.Array } });
add('Matrix.Int32', DataType.Int32, new Int32Array([1, 2, 3, 4, 5, 6]),
  { valueRank: 2, arrayDimensions: [2, 3], variant: { arrayType: VariantArrayType.Matrix, dimensions: [2, 3] } });
add('Struct.Range', 'Range', new (require('node-opcua-types').Range)({ low: -1.5, high: 99.25 }), { variantType: DataType.ExtensionObject });
add('Struct.Array', 'EUInformation', [1, 2].map(i => new (require('node-opcua-types').EUInformation)(
  { namespaceUri: 'urn:u', unitId: i, displayName: require('node-opcua-data-model').coerceLocalizedText(`u${i}`), description: require('node-opcua-data-model').coerceLocalizedText('d') })),
  { variantType: DataType.ExtensionObject, valueRank: 1, variant: { arrayType: VariantArrayType.Array } });
add('Duration', 'Duration', 1500, { variantType: DataType.Double });
add('ReadOnly', DataType.Int32, 7, { accessLevel: AccessLevelFlag.CurrentRead });
const parent = add('Parent', DataType.Int32, 1);
add('Parent.Child', DataType.Int32, 2, { parent });
const analog = own.addAnalogDataItem({
  componentOf: plant, browseName: 'Analog', nodeId: 's=Analog', dataType: DataType.Double, engineeringUnitsRange: { low: 0, high: 200 },
  minimumSamplingInterval: 0, engineeringUnits: opcua.standardUnits.degree_celsius, value: { dataType: DataType.Double, value: 0 },
});
variables.set('Analog', analog);
for (let i = 0; i < (options.counters ?? 10); i++) add(`Counter${i}`, DataType.Int64, [0, 0]);
for (let i = 0; i < (options.items ?? 0); i++) add(`Item${i}`, DataType.Double, i);
if (options.history) {
  for (const id of options.history) addressSpace.installHistoricalDataNode(variables.get(id), { maxOnlineValues: 100_000 });
}

if (options.nodes) {
  const perFolder = 1000;
  let folder = null;
  for (let i = 0; i < options.nodes; i++) {
    if (i % perFolder === 0) folder = own.addFolder(plant, { browseName: `Folder${i / perFolder}`, nodeId: `s=Folder${i / perFolder}` });
    own.addVariable({ organizedBy: folder, browseName: `Node${i}`, nodeId: `i=${100000 + i}`, dataType: DataType.Int32,
      value: { dataType: DataType.Int32, value: i } });
  }
}

// The variable's own type, whatever the number looks like.
function variant(variable, value) {
  const dataType = variable.dataType.value <= 25 ? variable.dataType.value : DataType.Double;
  const wide = dataType === DataType.Int64 || dataType === DataType.UInt64;
  return new Variant({ dataType, arrayType: VariantArrayType.Scalar, value: wide ? opcua.coerceInt64(value) : value });
}

const types = { Boolean: DataType.Boolean, Int32: DataType.Int32, Int64: DataType.Int64, Double: DataType.Double, String: DataType.String };
let running = null;
let count = 0;
const commands = {
  set: c => {
    const variable = variables.get(c.id);
    variable.setValueFromSource(variant(variable, c.value), StatusCodes[c.status ?? 'Good'], c.time ? new Date(c.time) : new Date());
  },
  // One value after the other, further apart than the server samples (50 ms).
  series: async c => {
    for (const [i, value] of c.values.entries()) {
      const time = c.start ? new Date(new Date(c.start).getTime() + i) : undefined;
      commands.set({ id: c.id, value, time });
      await new Promise(resolve => setTimeout(resolve, 120));
    }
  },
  // Each tick one step of every counter, each with the same time.
  run: c => {
    const ids = c.ids ?? [...variables.keys()].filter(k => k.startsWith('Counter'));
    running = setInterval(() => {
      count++;
      const now = new Date();
      for (const id of ids) {
        variables.get(id).setValueFromSource(new Variant({ dataType: DataType.Int64, arrayType: VariantArrayType.Scalar, value: [0, count] }), StatusCodes.Good, now);
      }
    }, c.every);
  },
  // A load of doubles: every `every` ms `batch` values, in turn.
  load: c => {
    const ids = [...variables.keys()].filter(k => k.startsWith('Item'));
    let at = 0;
    running = setInterval(() => {
      const now = new Date();
      for (let i = 0; i < c.batch; i++) {
        const variable = variables.get(ids[at]);
        at = (at + 1) % ids.length;
        count++;
        variable.setValueFromSource(new Variant({ dataType: DataType.Double, value: count }), StatusCodes.Good, now);
      }
    }, c.every);
  },
  stop: () => { clearInterval(running); say(`STOPPED ${count}`); },
  remove: c => { addressSpace.deleteNode(variables.get(c.id)); variables.delete(c.id); },
  add: c => add(c.id, types[c.type ?? 'Double'], c.value),
  value: c => { const v = variables.get(c.id).readValue().value; say(`VALUE ${JSON.stringify(v.value)} ${DataType[v.dataType]}`); },
  // As if it had forgotten them: the session lives on.
  dropSubscriptions: () => {
    for (const session of Object.values(server.engine._sessions)) {
      for (const s of session.publishEngine.subscriptions.slice()) { s.terminate(); session.publishEngine.remove_subscription?.(s); }
    }
  },
  // As if they had timed out: what they subscribed to waits for whoever takes it over.
  dropSessions: () => {
    for (const session of Object.values(server.engine._sessions)) server.engine.closeSession(session.authenticationToken, false, 'Timeout');
  },
  sessions: () => say(`SESSIONS ${server.engine.currentSessionCount}`),
  exit: async () => { await server.shutdown(c.timeout ?? 0); process.exit(0); },
};

readline.createInterface({ input: process.stdin }).on('line', line => {
  try {
    const command = JSON.parse(line);
    Promise.resolve(commands[command.op](command)).then(() => say(`DONE ${command.op} ${command.n ?? ''}`));
  } catch (error) {
    say(`ERROR ${error.stack}`);
  }
}).on('close', () => process.exit(0));

await server.start();
say(`READY ${server.endpoints[0].port} ns=${own.index}`);
