"""What every room stands on: configuration, the database and its writer, migrations, the queue, clock, ids, errors, log."""
