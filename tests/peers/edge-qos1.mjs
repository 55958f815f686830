// An edge node on npm `mqtt` + `sparkplug-payload`, publishing at QoS 1: what the no-loss promise needs.
// usage: node edge-qos1.mjs URL GROUP NODE DEVICE RATE SECONDS OUT
// Writes every published value of the device to OUT as one JSON object per line: {"name","ts","value"}.
import fs from 'node:fs';
import mqtt from 'mqtt';
import payloads from 'sparkplug-payload';

const [url, group, node, device, rate, seconds, out] = process.argv.slice(2);
const codec = payloads.get('spBv1.0');
const published = fs.createWriteStream(out);
const names = ['state.run', 'counter.good', 'counter.reject', 'process.temperature'];
const types = ['Boolean', 'UInt32', 'UInt32', 'Double'];
const values = [true, 0, 0, 20.5];
const bdSeq = 7;
// With SHUFFLE set every birth assigns other aliases, and there is one a second.
const shuffle = Boolean(process.env.SHUFFLE);
let aliases = [1, 2, 3, 4];
let seq = 0, last = 0, open = 0, births = 0, sent = 0, n = 0;

const now = () => (last = Math.max(last + 1, Date.now()));
const nextSeq = () => { const s = seq; seq = (seq + 1) % 256; return s; };
const client = mqtt.connect(url, {
  clientId: `peer-${group}-${node}`, clean: false, reconnectPeriod: 300, protocolVersion: 4, queueQoSZero: false,
  will: { topic: `spBv1.0/${group}/NDEATH/${node}`, qos: 1, retain: false,
          payload: Buffer.from(codec.encodePayload({ metrics: [{ name: 'bdSeq', type: 'Int64', value: bdSeq }] })) },
});

function publish(topic, payload) {
  open++;
  send(topic, Buffer.from(codec.encodePayload(payload)));
}

// The client gives up what it was sending again when the connection breaks a second time; an edge must not.
function send(topic, message) {
  client.publish(topic, message, { qos: 1 }, (error) => {
    if (error) setTimeout(() => send(topic, message), 200);
    else open--;
  });
}

function birth() {
  births++;
  seq = 0;
  if (shuffle) aliases = aliases.map((_, i) => ((births + i) % 4) + 1);
  const ts = now();
  publish(`spBv1.0/${group}/NBIRTH/${node}`, { timestamp: ts, seq: nextSeq(), metrics: [
    { name: 'bdSeq', type: 'Int64', value: bdSeq, timestamp: ts },
    { name: 'Node Control/Rebirth', type: 'Boolean', value: false, timestamp: ts }] });
  publish(`spBv1.0/${group}/DBIRTH/${node}/${device}`, { timestamp: ts, seq: nextSeq(), metrics:
    names.map((name, i) => ({ name, alias: aliases[i], type: types[i], value: values[i], timestamp: ts })) });
  names.forEach((name, i) => published.write(JSON.stringify({ name, ts, value: Number(values[i]) }) + '\n'));
}

function data() {
  n++;
  values[1] += 1 + (n % 3);
  if (n % 7 === 0) values[2] += 1;
  if (n % 50 === 0) values[0] = !values[0];
  values[3] = 20 + (n % 100) / 10;
  const ts = now();
  const changed = [1, 3, ...(n % 7 === 0 ? [2] : []), ...(n % 50 === 0 ? [0] : [])];
  publish(`spBv1.0/${group}/DDATA/${node}/${device}`, { timestamp: ts, seq: nextSeq(), metrics:
    changed.map((i) => ({ alias: aliases[i], type: types[i], value: values[i], timestamp: ts })) });
  changed.forEach((i) => published.write(JSON.stringify({ name: names[i], ts, value: Number(values[i]) }) + '\n'));
  sent++;
}

let started = false;
client.on('message', () => birth());
client.on('connect', () => {
  client.subscribe(`spBv1.0/${group}/NCMD/${node}`, { qos: 1 });
  if (started) { birth(); return; }
  started = true;
  birth();
  const begin = Date.now();
  const timer = setInterval(() => {
    while (sent < (Date.now() - begin) / 1000 * Number(rate)) data();
    if (shuffle && Date.now() - begin > births * 1000) birth();
    if (Date.now() - begin < Number(seconds) * 1000) return;
    clearInterval(timer);
    const drain = setInterval(() => {
      if (open > 0 && Date.now() - begin < Number(seconds) * 1000 + 60000) return;
      clearInterval(drain);
      published.end(() => {
        console.log(JSON.stringify({ messages: sent, births, unacknowledged: open, good: values[1], reject: values[2] }));
        client.end(false, {}, () => process.exit(open === 0 ? process.exitCode ?? 0 : 1));
      });
    }, 50);
  }, 10);
});
