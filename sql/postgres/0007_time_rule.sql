-- A sample whose source time is far off is stored, flagged here, and part of no account (TimeRule): more than 26 hours ahead of its ingest, or more than
-- 92 days behind it.
create or replace view telemetry as
  select s.machine_id, p.ts, s.name, p.value, p.text_value, p.quality, p.ingest_ts,
         coalesce(p.meta, case when p.ts > p.ingest_ts + interval '93600 seconds' then 'ahead' when p.ts < p.ingest_ts - interval '7948800 seconds' then 'late' end) as meta
  from sample p join signal s using (signal_id);
