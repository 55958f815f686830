-- Entries that may be reported again (by an edge node whose record was committed and not acknowledged): each stands in the audit log once.
create table audit_once (
  key text primary key,
  at  timestamptz not null
);
