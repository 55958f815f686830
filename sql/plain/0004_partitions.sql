-- Without TimescaleDB: `sample` in partitions of one UTC day. Days are added ahead and dropped by retention by the application;
-- whatever fits into none of them waits in sample_default.
alter table sample rename to sample_before;
alter table sample_before rename constraint sample_pkey to sample_before_pkey;
drop view telemetry;

create table sample (
  signal_id  integer not null,
  ts         timestamptz not null,
  value      double precision,
  text_value text,
  quality    smallint not null,
  ingest_ts  timestamptz not null,
  meta       text,
  primary key (signal_id, ts)
) partition by range (ts);

create table sample_default partition of sample default;

-- As before: what came late is found by when it came.
drop index sample_by_ingest;
create index sample_by_ingest on sample using brin (ingest_ts) with (pages_per_range = 32, autosummarize = on);

create view telemetry as
  select s.machine_id, p.ts, s.name, p.value, p.text_value, p.quality, p.ingest_ts, p.meta
  from sample p join signal s using (signal_id);

-- Adds the partition of a UTC day, with what waits in sample_default. False when it is there.
create function oee_add_partition(day date) returns boolean language plpgsql as $$
declare
  part  text := 'sample_' || to_char(day, 'YYYYMMDD');
  lower timestamptz := day::timestamp at time zone 'UTC';
  upper timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
  if to_regclass(part) is not null then return false; end if;
  lock table sample_default in access exclusive mode;
  execute format('create table %I (like sample including defaults)', part);
  execute format('with moved as (delete from sample_default where ts >= %L and ts < %L returning *) insert into %I select * from moved', lower, upper, part);
  execute format('alter table sample attach partition %I for values from (%L) to (%L)', part, lower, upper);
  return true;
end $$;

select oee_add_partition(d::date)
from (select distinct (ts at time zone 'UTC')::date as d from sample_before
      union select (now() at time zone 'UTC')::date + n from generate_series(-1, 3) n) days;

insert into sample(signal_id, ts, value, text_value, quality, ingest_ts, meta)
  select signal_id, ts, value, text_value, quality, ingest_ts, meta from sample_before;
drop table sample_before;
