-- What the plant model was when it was written last: a start with another one stands in the audit log.
create table plant_state (
  id     integer primary key check (id = 1),
  digest text not null
);
