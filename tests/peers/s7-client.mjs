// An S7 client nobody here wrote (npm nodes7): reads, writes or races at a server, and prints JSON.
// node s7-client.mjs '{"port":102,"slot":1,"read":{"a":"DB1,INT0"},"write":{"b":["DB1,REAL4",1.5]},"seconds":5}'
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const NodeS7 = require('nodes7');

const options = JSON.parse(process.argv[2]);
const connection = new NodeS7({ silent: true });
const call = (name, ...args) => new Promise((resolve, reject) => connection[name](...args, (bad, values) => (bad && !values ? reject(new Error(`${name}: ${bad}`)) : resolve(values))));

await new Promise((resolve, reject) => connection.initiateConnection(
  { port: options.port, host: '127.0.0.1', rack: 0, slot: options.slot ?? 1, timeout: 5000 }, error => (error ? reject(error) : resolve())));
const names = { ...(options.read ?? {}), ...Object.fromEntries(Object.entries(options.write ?? {}).map(([k, v]) => [k, v[0]])) };
connection.setTranslationCB(tag => names[tag]);
if (options.write) {
  const keys = Object.keys(options.write);
  await new Promise((resolve, reject) => connection.writeItems(keys, keys.map(k => options.write[k][1]), bad => (bad ? reject(new Error('write')) : resolve())));
}
connection.addItems(Object.keys(names));
if (options.seconds) {
  const tags = Object.keys(names).length;
  await call('readAllItems');
  const [from, cpu] = [process.hrtime.bigint(), process.cpuUsage()];
  let rounds = 0;
  while (Number(process.hrtime.bigint() - from) / 1e9 < options.seconds) { await call('readAllItems'); rounds++; }
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  const used = process.cpuUsage(cpu);
  console.log(JSON.stringify({ tags_per_s: rounds * tags / seconds, cpu_s: (used.user + used.system) / 1e6, tags: rounds * tags }));
} else {
  const values = await call('readAllItems');
  console.log(JSON.stringify(values, (k, v) => (typeof v === 'bigint' ? v.toString() : v)));
}
connection.dropConnection(() => process.exit(0));
