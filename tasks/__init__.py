"""The work: one room a subject, stages in `stages`; the only place that knows models and storage."""
