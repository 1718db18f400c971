//! Codes of what the services and their logs cannot do at the moment, and of their limits.
use super::{Area, external, internal, user};

pub(super) const AREA: Area = Area {
    name: "Services",
    about: "Codes of what the services and their logs cannot do at the moment, and of their limits.",
    codes: &[
        external(
            "actors-unavailable",
            "The table with the names of callers cannot be read or written.",
            "Check the place that `actors` names, and its permissions.",
        ),
        external(
            "caller-left",
            "The caller disconnected before the response was ready.",
            "Send the request again.",
        ),
        external(
            "cannot-listen",
            "The service cannot listen on its address.",
            "Choose another address with `--listen`. Another process may use the port.",
        ),
        external(
            "contended",
            "The change was not made, because others kept changing the same entry.",
            "Try again.",
        ),
        external(
            "exposures-mismatch",
            "The exposures log does not match the observations log.",
            "Restore the logs from the same backup.",
        ),
        external(
            "grpc",
            "A proxy or another server returned an error without an Orewatch code.",
            "Check the address, and proxies between the client and the service.",
        ),
        internal(
            "internal",
            "A defect of Orewatch.",
            "Report it with the message and the log of the service.",
        ),
        internal("invalid-stream", "A name is not valid in the name of a stream.", "Report the defect."),
        external(
            "keys-unavailable",
            "The keys of an issuer of tokens cannot be read.",
            "Check the address or file of the keys, and the network. The log of the service says why.",
        ),
        external("log-conflict", "Another writer appended to the stream first.", "Try again."),
        external(
            "log-corrupt",
            "An event on the log cannot be read.",
            "Restore the log from a backup, or mark the position as one to pass over. If a newer version \
             wrote the event, use that version.",
        ),
        external(
            "log-full",
            "The log has no room left.",
            "Make room on its disk, or raise its limit. Writing continues automatically.",
        ),
        external(
            "log-gone",
            "The log no longer contains the requested events.",
            "Restore the log from a backup.",
        ),
        internal(
            "log-invalid-append",
            "The service tried to append an event that the log does not accept.",
            "Report the defect.",
        ),
        external(
            "log-misconfigured",
            "The configuration of the log does not suit the service.",
            "Correct the configuration of the log as the message says.",
        ),
        external(
            "log-not-permitted",
            "The permissions of the NATS server forbid what the service needs.",
            "Give the identity the permission that the message names, as `orewatch setup --print nats` lists \
             it, or give the process its own credentials.",
        ),
        external(
            "log-replaced",
            "The log is not the one that the service has read: it was deleted, emptied or replaced.",
            "Restore the log from a backup. A log that is complete from position 1 is read anew by itself.",
        ),
        external(
            "log-slow",
            "Reading from the log took too long.",
            "Try again. Check the load and the disk of the log.",
        ),
        user("log-too-large", "An event is too large for the log.", "Make the request smaller."),
        external(
            "log-unavailable",
            "The log cannot be reached or does not answer.",
            "Check that the log is running and can be reached, then try again. Services go on by themselves.",
        ),
        external(
            "not-caught-up",
            "A service did not catch up with its log in time.",
            "Try again later. What was recorded is safe.",
        ),
        external(
            "service-unavailable",
            "A service that the console asks cannot be reached.",
            "Check that the service runs and can be reached. The console asks it again with every request.",
        ),
        external(
            "shutdown-timeout",
            "Some tasks did not end in time while the service stopped.",
            "Raise `shutdown-budget` if this happens again.",
        ),
        external(
            "stalled",
            "The other side sent nothing for too long.",
            "Send the request again. What was already recorded is recognised.",
        ),
        external("starting", "The service is still reading its log and is not ready.", "Try again soon."),
        external("stopping", "The service is stopping.", "Try again later, or use another replica."),
        external(
            "too-busy",
            "The maximum number of running and waiting calls is reached.",
            "Try again after the time that the error names, with fewer calls at a time.",
        ),
        external(
            "too-many-calls",
            "The caller makes more calls a second than it may.",
            "Try again after the time that the error names, and send fewer calls.",
        ),
        external(
            "too-slow",
            "The response would take longer than allowed.",
            "Request less at a time, or allow more time.",
        ),
    ],
};
