"""The figures of docs/performance.md, each measured beside its control in the same run."""
