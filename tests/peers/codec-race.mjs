// The npm codec on the payload given in hexadecimal: nanoseconds per metric, medians.
import payloads from 'sparkplug-payload';

const codec = payloads.get('spBv1.0');
const bytes = Buffer.from(process.argv[2], 'hex');
const decoded = codec.decodePayload(bytes);
const count = decoded.metrics.length;

function median(run) {
  for (let i = 0; i < 300; i++) run();
  const rounds = [];
  for (let round = 0; round < 11; round++) {
    const started = process.hrtime.bigint();
    for (let i = 0; i < 200; i++) run();
    rounds.push(Number(process.hrtime.bigint() - started) / (200 * count));
  }
  return rounds.sort((a, b) => a - b)[5];
}

console.log(JSON.stringify({ read_ns: median(() => codec.decodePayload(bytes)), write_ns: median(() => codec.encodePayload(decoded)) }));
