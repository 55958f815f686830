-- Writes to PLCs: asked for by one person, approved by another, carried out by an edge node. They stay.
create table command (
  id           text primary key,
  machine_id   text not null,
  edge_node    text not null,
  device       text not null,
  metric       text not null,
  signal       text not null,
  unit         text,
  factor       double precision not null,
  shift        double precision not null,
  value        text not null,
  reason       text not null,
  state        text not null,
  asked_by     text not null,
  asked_person text not null,
  asked        timestamptz not null,
  expires      timestamptz not null,
  shown        text,
  decided_by   text,
  decided      timestamptz,
  comment      text,
  number       bigint,
  sent         timestamptz,
  answer_by    timestamptz,
  old_value    text,
  new_value    text,
  answered     timestamptz,
  finished     timestamptz,
  detail       text
);

-- One at a time for a tag: two people do not set it against each other.
create unique index command_open on command (machine_id, signal) where state in ('requested', 'approved', 'sent');
create index command_asked on command (asked desc, id desc);
-- The number by which an edge node tells new from old.
create unique index command_number on command (edge_node, number) where number is not null;
