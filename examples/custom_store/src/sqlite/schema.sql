-- The tables. Everything that the store orders by is a column; the rest is JSON.

CREATE TABLE IF NOT EXISTS counters (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL, -- of the newest change of any task
    life INTEGER NOT NULL,     -- of the newest store that was opened on this file
    active INTEGER NOT NULL,   -- how many tasks there are, so that nobody has to count them
    paused INTEGER NOT NULL,
    finished INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO counters VALUES (1, 0, 0, 0, 0, 0);

-- Stores that were opened on this file: each is a holder of its own.
CREATE TABLE IF NOT EXISTS lives (
    life INTEGER PRIMARY KEY,
    gone INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    state TEXT NOT NULL,
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    due_at INTEGER,     -- the earliest instant there is while a run of a gone life waits
    finished_at INTEGER,
    history TEXT NOT NULL,      -- newest first
    has_failed INTEGER NOT NULL -- runs in its history
) STRICT;
CREATE INDEX IF NOT EXISTS tasks_by_due ON tasks (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_by_finish ON tasks (finished_at, id)
    WHERE finished_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_with_failed_runs ON tasks (id) WHERE has_failed;

-- Which lives send attempts of which tasks.
CREATE TABLE IF NOT EXISTS sending (
    life INTEGER NOT NULL,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    PRIMARY KEY (life, task)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sending_by_task ON sending (task);
