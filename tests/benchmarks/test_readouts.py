import numpy as np
from benchmarks.readouts import replicate


def test_intervals_over_users_hold_where_those_over_sessions_do_not():
    found = [replicate(np.random.default_rng(seed), 300) for seed in range(120)]
    held = {name: sum(each[name] for each in found) / len(found) for name in found[0]}
    over_users = [share for name, share in held.items() if "over users" in name]
    always = [share for name, share in held.items() if "always valid" in name]
    naive = [share for name, share in held.items() if "naive" in name]
    assert min(over_users) >= 0.89
    assert min(always) >= 0.93
    assert max(naive) < 0.93
