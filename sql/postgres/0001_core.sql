-- Core tables on PostgreSQL. Times are timestamptz (microseconds), ids of machines are those of plant.yaml.

-- Whole microseconds since 1970, exactly: no floating point on the way.
create function oee_us(t timestamptz) returns bigint language sql immutable strict parallel safe
  as $$ select (extract(epoch from t) * 1000000)::bigint $$;
create function oee_ts(us bigint) returns timestamptz language sql immutable strict parallel safe
  as $$ select timestamptz '1970-01-01 00:00:00+00' + us * interval '1 microsecond' $$;

create table signal (
  signal_id  integer generated always as identity primary key,
  machine_id text not null,
  name       text not null,
  datatype   text not null,
  unit       text,
  unique (machine_id, name)
);

-- The physical table. One value of one signal at its source time; the key makes every delivery idempotent.
create table sample (
  signal_id  integer not null,
  ts         timestamptz not null,
  value      double precision,
  text_value text,
  quality    smallint not null,
  ingest_ts  timestamptz not null,
  meta       text,
  primary key (signal_id, ts)
);

-- What came late is found by when it came, however old it is; rows lie in that order, so a block range index is small and cheap to keep.
create index sample_by_ingest on sample using brin (ingest_ts) with (pages_per_range = 32, autosummarize = on);

create view telemetry as
  select s.machine_id, p.ts, s.name, p.value, p.text_value, p.quality, p.ingest_ts, p.meta
  from sample p join signal s using (signal_id);

create table events (
  id          text primary key,
  machine_id  text not null,
  type        text not null,
  code        text not null,
  severity    smallint not null default 0,
  ts_start    timestamptz not null,
  ts_end      timestamptz,
  occurrences integer not null default 1,
  payload     jsonb,
  ack_by      text,
  ack_ts      timestamptz
);
create index events_by_machine on events (machine_id, ts_start desc);
create index events_active on events (machine_id) where ts_end is null;

create table oee_window (
  machine_id       text not null,
  kind             text not null,
  name             text not null,
  ts_from          timestamptz not null,
  ts_to            timestamptz not null,
  revision         integer not null,
  as_of            timestamptz not null,
  not_scheduled_s  double precision not null,
  planned_stop_s   double precision not null,
  unknown_s        double precision not null,
  run_s            double precision not null,
  stop_s           double precision not null,
  small_stop_s     double precision not null,
  fault_stop_s     double precision not null,
  good             bigint not null,
  reject           bigint not null,
  total            bigint not null,
  gap_good         bigint not null,
  gap_total        bigint not null,
  ideal_total_s    numeric not null,
  ideal_good_s     numeric not null,
  no_ideal_total   bigint not null,
  failures_started integer not null,
  failures_ended   integer not null,
  repair_s         double precision not null,
  counter_jumps    integer not null,
  planned_s        double precision not null,
  availability     double precision,
  performance      double precision,
  quality          double precision,
  oee              double precision,
  teep             double precision,
  completeness     double precision,
  rate_per_hour    double precision,
  mttr_s           double precision,
  mtbf_s           double precision,
  primary key (machine_id, kind, ts_from, revision)
);

-- The newest window of each machine and kind in its newest revision.
create view oee_current as
  select distinct on (machine_id, kind) * from oee_window order by machine_id, kind, ts_from desc, revision desc;

create table machine_snapshot (
  machine_id text primary key,
  ts         timestamptz not null,
  ingest_ts  timestamptz not null,
  payload    text not null
);

create table asset (
  id         text primary key,
  parent_id  text,
  kind       text not null,
  name       text not null,
  position   integer not null,
  attributes jsonb not null
);

create table tag_mapping (
  machine_id   text not null,
  metric       text not null,
  signal       text not null,
  scale        double precision not null,
  offset_value double precision not null,
  unit         text,
  deadband     double precision not null,
  primary key (machine_id, metric)
);

-- What a host must remember of an edge node, so that a restart needs no rebirth.
create table edge_node (
  edge_node text primary key,
  state     text not null
);

create table edge_birth (
  edge_node text not null,
  device    text not null,
  birth_ms  bigint not null,
  topic     text not null,
  payload   bytea not null,
  primary key (edge_node, device, birth_ms)
);

-- Messages nobody could read; bounded by the application.
create table dead_letter (
  id      bigint generated always as identity primary key,
  ts      timestamptz not null,
  topic   text not null,
  size    integer not null,
  reason  text not null,
  payload bytea not null
);
