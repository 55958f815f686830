// A Siemens S7 server nobody here wrote (npm node-snap7, the snap7 library), told by lines of JSON on its input what to do.
// node s7-server.mjs '{"port":10102,"pdu":480,"dbs":{"1":2000}}'
import { createRequire } from 'node:module';
import readline from 'node:readline';
const require = createRequire(import.meta.url);
const snap7 = require('node-snap7');

const options = JSON.parse(process.argv[2] ?? '{}');
const say = line => process.stdout.write(`${line}\n`);
const server = new snap7.S7Server();
const areas = { PE: server.srvAreaPE, PA: server.srvAreaPA, MK: server.srvAreaMK, CT: server.srvAreaCT, TM: server.srvAreaTM };

server.SetParam(server.LocalPort, options.port);
// Nobody listens to its events, of which there is one for each item read.
server.SetEventMask(0);
if (options.pdu) server.SetParam(server.PDURequest, options.pdu);
for (const area of Object.values(areas)) server.RegisterArea(area, Buffer.alloc(4096));
for (const [db, size] of Object.entries(options.dbs ?? { 1: 2000 })) server.RegisterArea(server.srvAreaDB, Number(db), Buffer.alloc(size));

const isDb = area => area.startsWith('DB');
const get = area => (isDb(area) ? server.GetArea(server.srvAreaDB, Number(area.slice(2))) : server.GetArea(areas[area]));
const put = (area, buffer) => (isDb(area) ? server.SetArea(server.srvAreaDB, Number(area.slice(2)), buffer) : server.SetArea(areas[area], buffer));
let running = null;
const commands = {
  // Bytes as hex from an offset on.
  set: c => { const memory = get(c.area); Buffer.from(c.hex, 'hex').copy(memory, c.at); put(c.area, memory); },
  get: c => say(`BYTES ${get(c.area).subarray(c.at, c.at + c.length).toString('hex')}`),
  // Every byte of an area by a rule that a test knows.
  fill: c => { const memory = get(c.area); for (let i = 0; i < memory.length; i++) memory[i] = (i * 7 + (i >> 8)) & 0xff; put(c.area, memory); },
  // A DINT that counts.
  run: c => {
    let count = 0;
    running = setInterval(() => { const memory = get(c.area); memory.writeInt32BE(++count, c.at); put(c.area, memory); }, c.every);
  },
  stop: () => clearInterval(running),
  state: c => server.SetCpuStatus(c.value === 'run' ? server.S7CpuStatusRun : server.S7CpuStatusStop),
};

readline.createInterface({ input: process.stdin }).on('line', line => {
  try {
    const command = JSON.parse(line);
    commands[command.op](command);
    say(`DONE ${command.op} ${command.n ?? ''}`);
  } catch (error) {
    say(`ERROR ${error.stack}`);
  }
}).on('close', () => process.exit(0));

if (!server.StartTo('127.0.0.1')) throw new Error(server.ErrorText(server.LastError()));
say(`READY ${options.port}`);
