-- Who may do what: users, keys, grants, sessions, sealed keys of the plant; and the chain of the audit log.

-- What a grant may say.
create table role (
  name        text primary key,
  description text not null
);
insert into role(name, description) values
  ('dashboard', 'looks at the present'),
  ('analytics', 'and at the past: history, exports, replay'),
  ('scada',     'and acknowledges, shelves, gives reasons, asks for writes'),
  ('edge',      'publishes as an edge node, and nothing else'),
  ('admin',     'and configures, keeps users and keys, approves, reads the audit');

create table app_user (
  name          text primary key,
  password_hash text not null,
  must_change   integer not null,
  stamp         text not null,
  created       integer not null,
  disabled      integer,
  failed        integer not null default 0,
  locked_until  integer
);

create table api_key (
  id         text primary key,
  name       text not null unique,
  hash       text not null,
  created    integer not null,
  created_by text not null,
  expires    integer,
  revoked    integer
);

-- `identity` is user:NAME or key:ID; `at` is a node of the asset tree, or group/node for the role edge.
create table access_grant (
  identity text not null,
  role     text not null references role(name),
  at       text not null,
  primary key (identity, role, at)
);

-- One per sign-in. `refresh_hash` tells the one refresh token that is good now; null for a cookie.
create table access_session (
  id           text primary key,
  user_name    text not null,
  stamp        text not null,
  created      integer not null,
  expires      integer not null,
  revoked      integer,
  refresh_hash text,
  external     text
);
create index access_session_by_user on access_session (user_name);

-- Keys of the plant, shared by its gateways; what is secret in them is sealed with the key of `access.key_file`.
create table access_secret (
  id      text primary key,
  kind    text not null,
  created integer not null,
  expires integer,
  public  text,
  sealed  text not null
);

-- Grows with every change of the above, so that a process sees with one small question whether it has to read again.
create table access_state (
  id      integer primary key check (id = 1),
  version integer not null
);
insert into access_state(id, version) values (1, 1);

-- Every entry carries the keyed hash of itself and the one before; `seq` has no gaps. `asset`: what it is about, null: the plant.
alter table audit_log add column seq integer;
create unique index audit_log_by_seq on audit_log (seq);
alter table audit_log add column asset text;
alter table audit_log add column origin text;
alter table audit_log add column hash text;

create table audit_head (
  id   integer primary key check (id = 1),
  seq  integer not null,
  hash text not null
);
insert into audit_head(id, seq, hash) values (1, 0, '');
