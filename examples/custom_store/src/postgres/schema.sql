-- The tables. Everything that the store orders by is a column; the rest is JSON, as text, since
-- that of a callback has to come back as it was.

CREATE TABLE IF NOT EXISTS counters (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    revision BIGINT NOT NULL, -- of the newest change of any task
    life INTEGER NOT NULL,    -- of the newest store that was opened on these tables
    active BIGINT NOT NULL,   -- how many tasks there are, so that nobody has to count them
    paused BIGINT NOT NULL,
    finished BIGINT NOT NULL
);
INSERT INTO counters VALUES (1, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING;

-- Stores that are open, as far as is known: each is a holder of its own.
CREATE TABLE IF NOT EXISTS lives (
    life INTEGER PRIMARY KEY
);

CREATE TABLE IF NOT EXISTS tasks (
    id TEXT COLLATE "C" PRIMARY KEY, -- in order of its bytes, whatever the locale
    definition TEXT NOT NULL,
    state TEXT NOT NULL,
    revision BIGINT NOT NULL,
    status TEXT NOT NULL,
    due_at BIGINT,                   -- the earliest instant there is while a run of a gone life waits
    finished_at BIGINT,
    history TEXT NOT NULL,           -- newest first
    has_failed BOOLEAN NOT NULL,     -- runs in its history
    senders INTEGER[] NOT NULL       -- the lives that send an attempt of it
);
CREATE INDEX IF NOT EXISTS tasks_by_due ON tasks (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_by_finish ON tasks (finished_at, id)
    WHERE finished_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_with_failed_runs ON tasks (id) WHERE has_failed;
CREATE INDEX IF NOT EXISTS tasks_being_sent ON tasks (id) WHERE senders <> '{}';
