-- The plant model as data: every state it had, who made it and why. The newest one holds.
create table config_revision (
  revision   bigint primary key,
  ts         timestamptz not null,
  author     text not null,
  origin     text not null,
  source     text not null,
  comment    text not null,
  valid_from timestamptz,
  document   text not null
);

-- What plant.yaml said when it was last taken in, or looked at and left aside: only what was changed in it since is an import.
create table config_file (
  id       integer primary key check (id = 1),
  document text not null
);

-- The calendars of the newest revision, as plant.yaml has them.
create table calendar (
  id         text primary key,
  definition jsonb not null
);

-- What was written last is the newest revision.
drop table plant_state;

do $$
begin
  if exists (select 1 from pg_roles where rolname = 'oee_reader') then
    grant select on calendar to oee_reader;
  end if;
end $$;
