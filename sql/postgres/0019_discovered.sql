-- Devices that the plant does not have, and that somebody wants to hear no more of.
create table config_ignored (
  device     text primary key,
  ignored_by text not null,
  ts         timestamptz not null
);
