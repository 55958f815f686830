-- A sample whose source time is far off is stored, flagged here, and part of no account (TimeRule): more than 26 hours ahead of its ingest, or more than
-- 92 days behind it.
drop view telemetry;
create view telemetry as
  select s.machine_id,
         strftime('%Y-%m-%dT%H:%M:%S', p.ts / 1000000, 'unixepoch') || printf('.%06dZ', p.ts % 1000000) as ts,
         s.name, p.value, p.text_value, p.quality,
         strftime('%Y-%m-%dT%H:%M:%S', p.ingest_ts / 1000000, 'unixepoch') || printf('.%06dZ', p.ingest_ts % 1000000) as ingest_ts,
         coalesce(p.meta, case when p.ts > p.ingest_ts + 93600000000 then 'ahead' when p.ts < p.ingest_ts - 7948800000000 then 'late' end) as meta
  from sample p join signal s using (signal_id);
