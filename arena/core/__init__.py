"""What every room stands on: configuration, database, migrations, queue, clock, ids, errors, log."""
