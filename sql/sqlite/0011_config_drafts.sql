-- Changes of the plant that are gathered and tried before they are made.
create table config_draft (
  id      text primary key,
  ts      integer not null,
  author  text not null,
  comment text not null,
  edits   text not null
);
