-- The plant model as data: every state it had, who made it and why. The newest one holds.
create table config_revision (
  revision   integer primary key,
  ts         integer not null,
  author     text not null,
  origin     text not null,
  source     text not null,
  comment    text not null,
  valid_from integer,
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
  definition text not null
);

-- What was written last is the newest revision.
drop table plant_state;
