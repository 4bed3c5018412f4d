//! A history as another program may write it: other white space, another order of fields and of
//! lines, optional fields left out or null.

/// A one-shot, a cron task and a deleted task, all correct.
pub(crate) const CORRECT: &str = r#"
  { "nodes" : 3,	"clock_tolerance_us": 100000, "kind": "begin", "lease_us": 300000, "label": "another program", "version": 1, "at_us": 1000000 }
{"node":1,"kind":"state_hash","hash":"00ff","index":10}
{"node":2,"kind":"state_hash","hash":"00ff","index":10}
{"kind":"receipt","task":"b","run":"b/60","attempt":1,"fence":9,"scheduled_s":60,"at_us":60000000,"answer":"200","answered_us":60001000}
{"kind":"op","outcome":"ok","call":"create","task":"b","client":7,"back_us":2010000,"sent_us":2000000,"definition":{"schedule":{"at_s":60},"retry":{"attempts_max":1},"target":"http://127.0.0.1:1/"}}
{"kind":"op","outcome":"ok","call":"create","task":"c","node":2,"sent_us":2000000,"back_us":2010000,"definition":{"misfire":"fire_all","schedule":{"timezone":"Asia/Kathmandu","cron":"*/15 * * * * *"},"end_s":60,"overlap":"skip"},"seen":null}
{"kind":"receipt","task":"c","run":"c/15","attempt":1,"fence":3,"scheduled_s":15,"at_us":15000100,"answer":"200","answered_us":15001000,"node":null,"sender_clock_us":15000000}
{"kind":"receipt","task":"c","run":"c/30","attempt":1,"fence":4,"scheduled_s":30,"at_us":30000100,"answer":"204","answered_us":30001000}
{"kind":"receipt","task":"c","run":"c/45","attempt":1,"fence":5,"scheduled_s":45,"at_us":45000100,"answer":"200","answered_us":45001000}
{"kind":"receipt","task":"c","run":"c/60","attempt":1,"fence":6,"scheduled_s":60,"at_us":60000100,"answer":"200","answered_us":60001000}
{"kind":"task","task":"c","node":1,"exists":true,"state":"finished","next_s":null,"run_count":4,"succeeded":4,"open_runs":[]}
{"kind":"fault","name":"kill","node":3,"from_us":20000000,"to_us":22000000,"required":true,"took_effect":true}

{"at_us":90000000,"complete":true,"kind":"end"}
"#;
