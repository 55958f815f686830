// The node-opcua client as a rival: watches items of a server for some seconds and says what it took.
// node opcua-client.mjs URL NAMESPACE ITEMS SECONDS
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { OPCUAClient, MessageSecurityMode, SecurityPolicy, AttributeIds, TimestampsToReturn, ClientMonitoredItemGroup } = require('node-opcua');

const [url, namespace, items, seconds] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const client = OPCUAClient.create({
  endpointMustExist: false, securityMode: MessageSecurityMode.None, securityPolicy: SecurityPolicy.None, keepSessionAlive: true,
});
await client.connect(url);
const session = await client.createSession();
const subscription = await session.createSubscription2({
  requestedPublishingInterval: 100, requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 100, maxNotificationsPerPublish: 0,
  publishingEnabled: true, priority: 0,
});
let count = 0;
for (let at = 0; at < items; at += 1000) {
  const some = Array.from({ length: Math.min(1000, items - at) }, (_, i) => ({
    nodeId: `ns=${namespace};s=Item${at + i}`, attributeId: AttributeIds.Value,
  }));
  const group = ClientMonitoredItemGroup.create(
    subscription, some, { samplingInterval: 0, queueSize: 10, discardOldest: true }, TimestampsToReturn.Both);
  group.on('changed', () => { count++; });
  await new Promise(resolve => group.on('initialized', resolve));
}

await new Promise(resolve => setTimeout(resolve, 2000));
const [before, cpu, started] = [count, process.cpuUsage(), process.hrtime.bigint()];
await new Promise(resolve => setTimeout(resolve, seconds * 1000));
const used = process.cpuUsage(cpu);
const elapsed = Number(process.hrtime.bigint() - started) / 1e9;
process.stdout.write(`RESULT ${JSON.stringify({ notifications: count - before, cpu_s: (used.user + used.system) / 1e6, seconds: elapsed })}\n`);
process.exit(0);
