-- What operators saw of a machine when its snapshot was taken: the status of all machines is one read and wakes none of them.
alter table machine_snapshot add column status text;
