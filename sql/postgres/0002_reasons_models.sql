-- Reasons for stops, the history of the plant model, withdrawn windows, acknowledged faults, the audit log.

-- A window that the plant model no longer has, or a job that late data has cut differently: its newest revision is withdrawn.
alter table oee_window add column withdrawn boolean not null default false;

drop view oee_current;

-- Every window in its newest revision; what was withdrawn is left out. What to query.
create view oee_latest as
  select w.* from oee_window w
  where not w.withdrawn
    and w.revision = (select max(x.revision) from oee_window x where x.machine_id = w.machine_id and x.kind = w.kind and x.ts_from = w.ts_from);

-- The newest window of each machine and kind.
create view oee_current as
  select distinct on (machine_id, kind) * from oee_latest order by machine_id, kind, ts_from desc;

alter table events add column shelved_until timestamptz;

-- What people said of stops: a reason holds from ts_from to the end of its stop, or to the next reason in the same stop.
create table stop_reason (
  machine_id text not null,
  ts_from    timestamptz not null,
  ts_until   timestamptz not null,
  whole      boolean not null,
  reason     text,
  comment    text,
  given_by   text not null,
  given_at   timestamptz not null,
  primary key (machine_id, ts_from)
);

create table audit_log (
  id     bigint generated always as identity primary key,
  ts     timestamptz not null,
  actor  text not null,
  action text not null,
  target text not null,
  detail text not null
);
create index audit_log_by_target on audit_log (target, id);

-- What a machine's OEE parameters (part 'oee') and calendar (part 'calendar') were from when on.
create table machine_model (
  machine_id text not null,
  part       text not null,
  valid_from timestamptz not null,
  model      text not null,
  primary key (machine_id, part, valid_from)
);
