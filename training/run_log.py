"""The log of a run: a line of JSON every few steps, with means since the last one. Imported by detector_train.py
and tracker_train.py; no step by itself."""

import json


class RunLog:
    """Written to `path`; nowhere where that is None, as in all processes but the first."""

    def __init__(self, path):
        self.path, self.told_at = path, 0.0
        self._forget()

    def _forget(self):
        self.sums, self.since, self.data = {}, {}, 0.0

    def go_on(self, step, elapsed):
        """After a checkpoint of this step was read: lines beyond it, of a slice that was killed, go."""
        self.told_at = elapsed
        if self.path and self.path.exists():
            lines = [line for line in self.path.read_text().splitlines() if json.loads(line)["step"] <= step]
            self.path.write_text("".join(line + "\n" for line in lines))

    def note(self, values, counts, data=0.0):
        """Values of one step (tensors), of which means are told, counts, which are told by the second, and the seconds
        that the data took, of which the share is."""
        self.data += data
        for name, value in values.items():
            total, count = self.sums.get(name, (0.0, 0))
            self.sums[name] = (total + value.detach().float(), count + 1)
        for name, count in counts.items():
            self.since[name] = self.since.get(name, 0) + count

    def tell(self, facts, elapsed, processes):
        """One line with these facts; the means."""
        means = {name: round(float(total) / count, 4) for name, (total, count) in self.sums.items()}
        took = max(elapsed - self.told_at, 1e-6)
        line = dict(
            facts,
            **{f"{name}_per_second": round(processes * count / took, 3) for name, count in self.since.items()},
            data_share=round(self.data / took, 3),
            **means,
        )
        if self.path:
            print(json.dumps(line), flush=True)
            with open(self.path, "a") as log:
                log.write(json.dumps(line) + "\n")
        self.told_at = elapsed
        self._forget()
        return means
