// A host application on npm `mqtt` + `sparkplug-payload`: listens to one edge node, asks it for a rebirth once, and tells what it understood.
// usage: node host.mjs URL GROUP NODE VALUES
import mqtt from 'mqtt';
import payloads from 'sparkplug-payload';

const [url, group, node, wanted] = process.argv.slice(2);
const codec = payloads.get('spBv1.0');
const seen = { nbirth: 0, dbirth: 0, values: 0, unknown_aliases: 0, ndeath: 0, bdseq_matches: false, names: [], sequence_errors: 0 };
let aliases = new Map(), seq = -1, bdSeq = null, asked = false;
const client = mqtt.connect(url, { clientId: `host-${group}-${node}`, protocolVersion: 4 });

client.on('connect', () => client.subscribe(`spBv1.0/${group}/#`, { qos: 1 }));
client.on('message', (topic, bytes) => {
  const [, , type, from] = topic.split('/');
  if (from !== node || type === 'NCMD' || type === 'DCMD') return;
  const payload = codec.decodePayload(bytes);
  const number = payload.seq === undefined || payload.seq === null ? null : Number(payload.seq);
  if (type === 'NBIRTH') { seen.nbirth++; aliases = new Map(); seq = number; bdSeq = Number(payload.metrics.find((m) => m.name === 'bdSeq').value); }
  else if (type !== 'NDEATH') { if (number !== (seq + 1) % 256) seen.sequence_errors++; seq = number; }
  if (type === 'NDEATH') { seen.ndeath++; seen.bdseq_matches = Number(payload.metrics.find((m) => m.name === 'bdSeq').value) === bdSeq; finish(); return; }
  if (type === 'DBIRTH') seen.dbirth++;
  for (const metric of payload.metrics) {
    const alias = metric.alias === undefined || metric.alias === null ? null : String(metric.alias);
    if (type.endsWith('BIRTH') && alias) aliases.set(alias, metric.name);
    if (type !== 'DDATA') continue;
    const name = metric.name ?? aliases.get(alias);
    if (name === 'setpoint' && metric.value === 42.5) seen.written = true;
    if (name === undefined) seen.unknown_aliases++; else { seen.values++; if (!seen.names.includes(name)) seen.names.push(name); }
  }
  if (!asked && seen.values > 20) {
    asked = true;
    client.publish(`spBv1.0/${group}/DCMD/${node}/press1`, Buffer.from(codec.encodePayload({ timestamp: Date.now(), metrics: [{ name: 'setpoint', type: 'Double', value: 42.5, timestamp: Date.now() }] })));
    client.publish(`spBv1.0/${group}/NCMD/${node}`, Buffer.from(codec.encodePayload({ timestamp: Date.now(), metrics: [{ name: 'Node Control/Rebirth', type: 'Boolean', value: true, timestamp: Date.now() }] })));
  }
  if (seen.values > Number(wanted) && seen.nbirth >= 2 && seen.written && !seen.told) { seen.told = true; console.log('enough'); }
});
function finish() { console.log(JSON.stringify(seen)); client.end(true, {}, () => process.exit(0)); }
