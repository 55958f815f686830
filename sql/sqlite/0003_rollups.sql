-- The key of events as on PostgreSQL, where it must hold the time.
create table events_new (
  id            text not null,
  machine_id    text not null,
  type          text not null,
  code          text not null,
  severity      integer not null default 0,
  ts_start      integer not null,
  ts_end        integer,
  occurrences   integer not null default 1,
  payload       text,
  ack_by        text,
  ack_ts        integer,
  shelved_until integer,
  primary key (id, ts_start)
);
insert into events_new select id, machine_id, type, code, severity, ts_start, ts_end, occurrences, payload, ack_by, ack_ts, shelved_until from events;
drop table events;
alter table events_new rename to events;
create index events_by_machine on events (machine_id, ts_start desc);
create index events_active on events (machine_id) where ts_end is null;

-- Samples of all signals between two instants, for the rollups.
create index sample_by_ts on sample (ts);

-- Rollups that the application keeps up to date (OeeOrleans.Storage, Rollups): see sql/plain/0005_rollups.sql.
create table rollup_1m (
  signal_id integer not null,
  bucket    integer not null,
  min       real,
  max       real,
  sum       real,
  n         integer not null,
  first     real,
  last      real,
  count     integer not null,
  quality   integer not null,
  primary key (signal_id, bucket)
) without rowid;
create table rollup_5m (
  signal_id integer not null, bucket integer not null, min real, max real, sum real, n integer not null, first real, last real, count integer not null, quality integer not null,
  primary key (signal_id, bucket)
) without rowid;
create table rollup_1h (
  signal_id integer not null, bucket integer not null, min real, max real, sum real, n integer not null, first real, last real, count integer not null, quality integer not null,
  primary key (signal_id, bucket)
) without rowid;

create table rollup_state (
  id           integer primary key check (id = 1),
  claimed      integer not null,
  materialized integer not null
);
insert into rollup_state values (1, 0, 0);

create table rollup_dirty (
  id        integer primary key autoincrement,
  signal_id integer not null,
  bucket    integer not null
);

create view sample_1m as
  select signal_id, bucket, min, max, sum, n, first, last, count, quality from rollup_1m
  where bucket < (select materialized from rollup_state)
  union all
  select a.signal_id, a.bucket, a.min, a.max, a.sum, a.n,
    (select f.value from sample f where f.signal_id = a.signal_id and f.ts = a.first_ts),
    (select l.value from sample l where l.signal_id = a.signal_id and l.ts = a.last_ts), a.count, a.quality
  from (
    select signal_id, ts - ts % 60000000 as bucket,
      min(value) filter (where quality >= 64) as min, max(value) filter (where quality >= 64) as max, sum(value) filter (where quality >= 64) as sum,
      count(value) filter (where quality >= 64) as n,
      min(ts) filter (where quality >= 64 and value is not null) as first_ts, max(ts) filter (where quality >= 64 and value is not null) as last_ts,
      count(*) as count, min(quality) as quality
    from sample where ts >= (select materialized from rollup_state) group by 1, 2) a;

create view sample_5m as
  select signal_id, bucket, min, max, sum, n, first, last, count, quality from rollup_5m
  where bucket < (select materialized - materialized % 300000000 from rollup_state)
  union all
  select a.signal_id, a.bucket, a.min, a.max, a.sum, a.n,
    (select f.first from sample_1m f where f.signal_id = a.signal_id and f.bucket = a.first_bucket),
    (select l.last from sample_1m l where l.signal_id = a.signal_id and l.bucket = a.last_bucket), a.count, a.quality
  from (
    select signal_id, bucket - bucket % 300000000 as bucket, min(min) as min, max(max) as max, sum(sum) as sum, sum(n) as n,
      min(bucket) filter (where n > 0) as first_bucket, max(bucket) filter (where n > 0) as last_bucket, sum(count) as count, min(quality) as quality
    from sample_1m where bucket >= (select materialized - materialized % 300000000 from rollup_state) group by 1, 2) a;

create view sample_1h as
  select signal_id, bucket, min, max, sum, n, first, last, count, quality from rollup_1h
  where bucket < (select materialized - materialized % 3600000000 from rollup_state)
  union all
  select a.signal_id, a.bucket, a.min, a.max, a.sum, a.n,
    (select f.first from sample_5m f where f.signal_id = a.signal_id and f.bucket = a.first_bucket),
    (select l.last from sample_5m l where l.signal_id = a.signal_id and l.bucket = a.last_bucket), a.count, a.quality
  from (
    select signal_id, bucket - bucket % 3600000000 as bucket, min(min) as min, max(max) as max, sum(sum) as sum, sum(n) as n,
      min(bucket) filter (where n > 0) as first_bucket, max(bucket) filter (where n > 0) as last_bucket, sum(count) as count, min(quality) as quality
    from sample_5m where bucket >= (select materialized - materialized % 3600000000 from rollup_state) group by 1, 2) a;

create view telemetry_1m as
  select s.machine_id, s.name, strftime('%Y-%m-%dT%H:%M:%SZ', r.bucket / 1000000, 'unixepoch') as bucket,
    r.min, r.max, r.sum / nullif(r.n, 0) as avg, r.first, r.last, r.count, r.quality from sample_1m r join signal s using (signal_id);
create view telemetry_5m as
  select s.machine_id, s.name, strftime('%Y-%m-%dT%H:%M:%SZ', r.bucket / 1000000, 'unixepoch') as bucket,
    r.min, r.max, r.sum / nullif(r.n, 0) as avg, r.first, r.last, r.count, r.quality from sample_5m r join signal s using (signal_id);
create view telemetry_1h as
  select s.machine_id, s.name, strftime('%Y-%m-%dT%H:%M:%SZ', r.bucket / 1000000, 'unixepoch') as bucket,
    r.min, r.max, r.sum / nullif(r.n, 0) as avg, r.first, r.last, r.count, r.quality from sample_1h r join signal s using (signal_id);
