-- Without continuous aggregates: rollups that the application keeps up to date (OeeOrleans.Storage, Rollups). Minutes below `materialized` are in
-- the tables, later ones are computed when they are asked for. Rows that come for minutes below `claimed` leave a note in rollup_dirty in their own
-- transaction, and those minutes are computed anew from their samples: late data is never counted twice, nor forgotten.
create table rollup_1m (
  signal_id integer not null,
  bucket    timestamptz not null,
  min       double precision,
  max       double precision,
  sum       double precision,
  n         bigint not null,
  first     double precision,
  last      double precision,
  count     bigint not null,
  quality   smallint not null,
  primary key (signal_id, bucket)
);
create table rollup_5m (like rollup_1m including all);
create table rollup_1h (like rollup_1m including all);

create table rollup_state (
  id           integer primary key check (id = 1),
  claimed      timestamptz not null,
  materialized timestamptz not null
);
insert into rollup_state values (1, 'epoch', 'epoch');

create table rollup_dirty (
  id        bigint generated always as identity primary key,
  signal_id integer not null,
  bucket    timestamptz not null
);

create view sample_1m as
  select signal_id, bucket, min, max, sum, n, first, last, count, quality from rollup_1m
  where bucket < (select materialized from rollup_state)
  union all
  -- Signal by signal, because that is what the key begins with: the newest minutes of all signals would otherwise be looked for in the whole day.
  select s.signal_id, a.bucket, a.min, a.max, a.sum, a.n,
    (select f.value from sample f where f.signal_id = s.signal_id and f.ts = a.first_ts),
    (select l.value from sample l where l.signal_id = s.signal_id and l.ts = a.last_ts), a.count, a.quality
  from signal s cross join lateral (
    select oee_bucket(p.ts, 60000000) as bucket,
      min(p.value) filter (where p.quality >= 64) as min, max(p.value) filter (where p.quality >= 64) as max, sum(p.value) filter (where p.quality >= 64) as sum,
      count(p.value) filter (where p.quality >= 64) as n,
      min(p.ts) filter (where p.quality >= 64 and p.value is not null) as first_ts, max(p.ts) filter (where p.quality >= 64 and p.value is not null) as last_ts,
      count(*) as count, min(p.quality) as quality
    from sample p where p.signal_id = s.signal_id and p.ts >= (select materialized from rollup_state) group by 1) a;

create view sample_5m as
  select signal_id, bucket, min, max, sum, n, first, last, count, quality from rollup_5m
  where bucket < (select oee_bucket(materialized, 300000000) from rollup_state)
  union all
  select signal_id, oee_bucket(bucket, 300000000), min(min), max(max), sum(sum), sum(n)::bigint,
    (array_agg(first order by bucket) filter (where n > 0))[1], (array_agg(last order by bucket desc) filter (where n > 0))[1], sum(count)::bigint, min(quality)
  from sample_1m where bucket >= (select oee_bucket(materialized, 300000000) from rollup_state) group by 1, 2;

create view sample_1h as
  select signal_id, bucket, min, max, sum, n, first, last, count, quality from rollup_1h
  where bucket < (select oee_bucket(materialized, 3600000000) from rollup_state)
  union all
  select signal_id, oee_bucket(bucket, 3600000000), min(min), max(max), sum(sum), sum(n)::bigint,
    (array_agg(first order by bucket) filter (where n > 0))[1], (array_agg(last order by bucket desc) filter (where n > 0))[1], sum(count)::bigint, min(quality)
  from sample_5m where bucket >= (select oee_bucket(materialized, 3600000000) from rollup_state) group by 1, 2;
