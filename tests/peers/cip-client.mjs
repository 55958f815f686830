// CIP clients nobody here wrote: npm st-ethernet-ip for Logix, nodepccc for data files. They read, write or race, and print JSON.
// node cip-client.mjs '{"port":44818,"read":["Dint"],"write":{"Dint":5},"arrays":{"Dints":10},"list":true}'
// node cip-client.mjs '{"port":44818,"tags":["A","B"],"seconds":5}'
// node cip-client.mjs '{"port":44818,"pccc":true,"read":["N7:0"],"write":{"N7:1":5}}'
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const options = JSON.parse(process.argv[2]);
const say = value => console.log(JSON.stringify(value, (k, v) => (typeof v === 'bigint' ? v.toString() : v)));

if (options.pccc) {
  const NodePccc = require('nodepccc');
  const client = new NodePccc({ silent: true });
  await new Promise((resolve, reject) => client.initiateConnection(
    { port: options.port, host: '127.0.0.1' }, error => (error === undefined ? resolve() : reject(error))));
  client.setTranslationCB(tag => tag);
  for (const [name, value] of Object.entries(options.write ?? {})) {
    await new Promise((resolve, reject) => client.writeItems(name, value, bad => (bad ? reject(new Error(`write ${name}`)) : resolve())));
  }
  client.addItems(options.read ?? []);
  const values = options.read ? await new Promise(resolve => client.readAllItems((bad, read) => resolve(read))) : {};
  say(values);
  process.exit(0);
}

// It knows but one port.
require('st-ethernet-ip/dist/config').EIP_PORT = options.port;
const { Controller, TagGroup, EthernetIP } = require('st-ethernet-ip');
const plc = new Controller(options.connected ?? true);
await plc.connect('127.0.0.1', options.slot ?? 0, options.list ?? false);
const named = name => (name.startsWith('Program:') ? plc.newTag(name.split('.').slice(1).join('.'), name.slice(8).split('.')[0]) : plc.newTag(name));

if (options.seconds) {
  const group = new TagGroup();
  for (const name of options.tags) group.add(plc.newTag(name));
  await plc.readTagGroup(group);
  const [from, cpu] = [process.hrtime.bigint(), process.cpuUsage()];
  let rounds = 0;
  while (Number(process.hrtime.bigint() - from) / 1e9 < options.seconds) { await plc.readTagGroup(group); rounds++; }
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  const used = process.cpuUsage(cpu);
  say({ tags_per_s: rounds * options.tags.length / seconds, cpu_s: (used.user + used.system) / 1e6, tags: rounds * options.tags.length });
} else {
  const result = { values: {} };
  for (const [name, value] of Object.entries(options.write ?? {})) {
    const tag = named(name);
    await plc.readTag(tag);
    tag.value = value;
    await plc.writeTag(tag);
  }
  for (const name of options.read ?? []) {
    const tag = named(name);
    await plc.readTag(tag).then(() => { result.values[name] = tag.value; }, error => { result.values[name] = `BAD ${error.message ?? JSON.stringify(error)}`; });
  }
  for (const [name, count] of Object.entries(options.arrays ?? {})) {
    const tag = plc.newTag(name);
    await plc.readTag(tag, count);
    result.values[name] = tag.value;
  }
  if (options.list) {
    result.name = plc.properties.name;
    result.tags = plc.state.tagList.tags.map(t => ({ name: t.name, program: t.program, type: t.type.typeName, dims: t.type.arrayDims }));
  }
  say(result);
}
await plc.disconnect().catch(() => {});
process.exit(0);
