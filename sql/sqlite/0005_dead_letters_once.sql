-- A letter that is written again, because the answer to its first commit was lost, is there once: it is looked up by its time.
create index dead_letter_ts on dead_letter (ts);
