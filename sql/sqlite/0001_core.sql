-- Core tables on SQLite, same names as on PostgreSQL. Times in base tables are microseconds since 1970 (integer); views give ISO 8601.

create table signal (
  signal_id  integer primary key autoincrement,
  machine_id text not null,
  name       text not null,
  datatype   text not null,
  unit       text,
  unique (machine_id, name)
);

create table sample (
  signal_id  integer not null,
  ts         integer not null,
  value      real,
  text_value text,
  quality    integer not null,
  ingest_ts  integer not null,
  meta       text,
  primary key (signal_id, ts)
) without rowid;

-- What came late is found by when it came, however old it is.
create index sample_by_ingest on sample (ingest_ts);

create view telemetry as
  select s.machine_id,
         strftime('%Y-%m-%dT%H:%M:%S', p.ts / 1000000, 'unixepoch') || printf('.%06dZ', p.ts % 1000000) as ts,
         s.name, p.value, p.text_value, p.quality,
         strftime('%Y-%m-%dT%H:%M:%S', p.ingest_ts / 1000000, 'unixepoch') || printf('.%06dZ', p.ingest_ts % 1000000) as ingest_ts,
         p.meta
  from sample p join signal s using (signal_id);

create table events (
  id          text primary key,
  machine_id  text not null,
  type        text not null,
  code        text not null,
  severity    integer not null default 0,
  ts_start    integer not null,
  ts_end      integer,
  occurrences integer not null default 1,
  payload     text,
  ack_by      text,
  ack_ts      integer
);
create index events_by_machine on events (machine_id, ts_start desc);
create index events_active on events (machine_id) where ts_end is null;

create table oee_window (
  machine_id       text not null,
  kind             text not null,
  name             text not null,
  ts_from          integer not null,
  ts_to            integer not null,
  revision         integer not null,
  as_of            integer not null,
  not_scheduled_s  real not null,
  planned_stop_s   real not null,
  unknown_s        real not null,
  run_s            real not null,
  stop_s           real not null,
  small_stop_s     real not null,
  fault_stop_s     real not null,
  good             integer not null,
  reject           integer not null,
  total            integer not null,
  gap_good         integer not null,
  gap_total        integer not null,
  ideal_total_s    real not null,
  ideal_good_s     real not null,
  no_ideal_total   integer not null,
  failures_started integer not null,
  failures_ended   integer not null,
  repair_s         real not null,
  counter_jumps    integer not null,
  planned_s        real not null,
  availability     real,
  performance      real,
  quality          real,
  oee              real,
  teep             real,
  completeness     real,
  rate_per_hour    real,
  mttr_s           real,
  mtbf_s           real,
  primary key (machine_id, kind, ts_from, revision)
) without rowid;

create view oee_current as
  select w.* from oee_window w
  where w.ts_from = (select max(ts_from) from oee_window x where x.machine_id = w.machine_id and x.kind = w.kind)
    and w.revision = (select max(revision) from oee_window x where x.machine_id = w.machine_id and x.kind = w.kind and x.ts_from = w.ts_from);

create table machine_snapshot (
  machine_id text primary key,
  ts         integer not null,
  ingest_ts  integer not null,
  payload    text not null
);

create table asset (
  id         text primary key,
  parent_id  text,
  kind       text not null,
  name       text not null,
  position   integer not null,
  attributes text not null
);

create table tag_mapping (
  machine_id   text not null,
  metric       text not null,
  signal       text not null,
  scale        real not null,
  offset_value real not null,
  unit         text,
  deadband     real not null,
  primary key (machine_id, metric)
);

create table edge_node (
  edge_node text primary key,
  state     text not null
);

create table edge_birth (
  edge_node text not null,
  device    text not null,
  birth_ms  integer not null,
  topic     text not null,
  payload   blob not null,
  primary key (edge_node, device, birth_ms)
);

create table dead_letter (
  id      integer primary key autoincrement,
  ts      integer not null,
  topic   text not null,
  size    integer not null,
  reason  text not null,
  payload blob not null
);
