// Sends COUNT random and mutated payloads at QoS 1, all of them unreadable or odd; a host must survive and count each unreadable one.
// usage: node mutate.mjs URL GROUP COUNT
import mqtt from 'mqtt';
import payloads from 'sparkplug-payload';

const [url, group, count] = process.argv.slice(2);
const codec = payloads.get('spBv1.0');
let z = 12345;
const random = (n) => (z = (Math.imul(z, 1103515245) + 12345) & 0x7fffffff) % n;
const seed = Buffer.from(codec.encodePayload({ timestamp: Date.now(), seq: 0, metrics: [
  { name: 'bdSeq', type: 'Int64', value: 1 }, { name: 'a', alias: 1, type: 'Int32', value: -5 }, { name: 'b', alias: 2, type: 'String', value: 'text' },
  { name: 'c', alias: 3, type: 'DataSet', value: { numOfColumns: 2, types: ['Int32', 'String'], columns: ['x', 'y'], rows: [[1, 'a'], [2, 'b']] } }] }));
const kinds = ['NBIRTH', 'DBIRTH', 'NDATA', 'DDATA', 'NDEATH', 'DDEATH', 'XDATA', ''];

const client = mqtt.connect(url, { clientId: `mutate-${group}`, protocolVersion: 4 });
client.on('connect', async () => {
  let open = 0;
  for (let i = 0; i < Number(count); i++) {
    let payload;
    if (i % 3 === 0) { payload = Buffer.alloc(random(60)); for (let k = 0; k < payload.length; k++) payload[k] = random(256); }
    else { payload = Buffer.from(seed); for (let k = 0; k <= random(5); k++) payload[random(payload.length)] = random(256); if (i % 5 === 0) payload = payload.subarray(0, random(payload.length)); }
    const kind = kinds[random(kinds.length)];
    const topic = `spBv1.0/${group}/${kind}/node${random(20)}` + (kind.startsWith('D') || random(10) === 0 ? `/dev${random(3)}` : '');
    open++;
    client.publish(topic, payload, { qos: 1 }, () => open--);
    if (open > 500) await new Promise((r) => setTimeout(r, 5));
  }
  while (open > 0) await new Promise((r) => setTimeout(r, 20));
  console.log(JSON.stringify({ sent: Number(count) }));
  client.end(false, {}, () => process.exit(0));
});
