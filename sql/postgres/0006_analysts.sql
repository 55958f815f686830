-- What analysts query, the same on every engine.
create view telemetry_1m as
  select s.machine_id, s.name, r.bucket, r.min, r.max, r.sum / nullif(r.n, 0) as avg, r.first, r.last, r.count, r.quality from sample_1m r join signal s using (signal_id);
create view telemetry_5m as
  select s.machine_id, s.name, r.bucket, r.min, r.max, r.sum / nullif(r.n, 0) as avg, r.first, r.last, r.count, r.quality from sample_5m r join signal s using (signal_id);
create view telemetry_1h as
  select s.machine_id, s.name, r.bucket, r.min, r.max, r.sum / nullif(r.n, 0) as avg, r.first, r.last, r.count, r.quality from sample_1h r join signal s using (signal_id);

-- A role that may read all of it and change nothing: grant oee_reader to an analyst. A database user that may not make roles leaves that to its administrator.
do $$
begin
  if not exists (select 1 from pg_roles where rolname = 'oee_reader') then create role oee_reader nologin; end if;
  grant usage on schema public to oee_reader;
  grant select on signal, sample, telemetry, telemetry_1m, telemetry_5m, telemetry_1h, events, oee_window, oee_latest, oee_current, stop_reason, asset, tag_mapping, machine_model, audit_log to oee_reader;
exception
  when insufficient_privilege or duplicate_object or unique_violation then raise notice 'the role oee_reader was not made: %', sqlerrm;
end $$;
