// An edge node on Eclipse Tahu's npm `sparkplug-client`, which publishes at QoS 0 as Sparkplug 3.0 says: a message is gone while nobody listens.
// usage: node edge-qos0.mjs URL GROUP NODE DEVICE RATE SECONDS
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const sparkplug = require('sparkplug-client');

const [url, group, node, device, rate, seconds] = process.argv.slice(2);
const client = sparkplug.newClient({ serverUrl: url, username: '', password: '', groupId: group, edgeNode: node, clientId: `peer-${group}-${node}`, version: 'spBv1.0', publishDeath: false });
let good = 0, rebirths = 0, sent = 0, started = false;

const metrics = () => [
  { name: 'state.run', type: 'Boolean', value: true, timestamp: Date.now() },
  { name: 'counter.good', type: 'UInt32', value: good, timestamp: Date.now() },
];
const births = () => {
  client.publishNodeBirth({ timestamp: Date.now(), metrics: [{ name: 'Node Control/Rebirth', type: 'Boolean', value: false }] });
  client.publishDeviceBirth(device, { timestamp: Date.now(), metrics: metrics() });
};

client.on('error', (error) => console.error(String(error)));
client.on('ncmd', () => { rebirths++; births(); });
client.on('birth', () => {
  births();
  if (started) return;
  started = true;
  const begin = Date.now();
  const timer = setInterval(() => {
    while (sent < (Date.now() - begin) / 1000 * Number(rate)) {
      good += 1 + (sent % 3);
      sent++;
      client.publishDeviceData(device, { timestamp: Date.now(), metrics: [metrics()[1]] });
    }
    if (Date.now() - begin < Number(seconds) * 1000) return;
    clearInterval(timer);
    console.log(JSON.stringify({ messages: sent, good, rebirths }));
    // Stays connected and talks, as a device does: what a host missed at the end it learns from the next sequence number.
    setInterval(() => client.publishDeviceData(device, { timestamp: Date.now(), metrics: [metrics()[1]] }), 1000);
  }, 10);
});
