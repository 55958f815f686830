// Reads an export back with readers that are not ours: npm `hyparquet` and `apache-arrow`.
// usage: node read-export.mjs parquet|arrow FILE
// Prints {"columns", "rows", "first", "last", "sum", "nulls"}: the sum is of the column `value` or `oee`, times are ISO 8601.
import fs from 'node:fs';

const [format, file] = process.argv.slice(2);

async function rowsOf() {
  if (format === 'parquet') {
    const { parquetReadObjects } = await import('hyparquet');
    const bytes = fs.readFileSync(file);
    return parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) });
  }

  const { tableFromIPC } = await import('apache-arrow');
  const table = tableFromIPC(fs.readFileSync(file));
  const times = table.schema.fields.filter((f) => String(f.type).startsWith('Timestamp')).map((f) => f.name);
  return table.toArray().map((row) => {
    const json = row.toJSON();
    for (const name of times) if (json[name] !== null) json[name] = new Date(Number(json[name]));
    return json;
  });
}

const rows = await rowsOf();
const value = rows.length > 0 && 'value' in rows[0] ? 'value' : 'oee';
const numbers = rows.map((r) => r[value]).filter((v) => v !== null && v !== undefined);
console.log(JSON.stringify({
  columns: rows.length > 0 ? Object.keys(rows[0]) : [],
  rows: rows.length,
  first: rows[0],
  last: rows.at(-1),
  sum: numbers.reduce((a, b) => a + b, 0),
  nulls: rows.length - numbers.length,
}, (_, v) => (typeof v === 'bigint' ? Number(v) : v)));
