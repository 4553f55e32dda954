"""Where the time of a cycle goes: its statements, and the functions that take longest.

python -m bench.profile [CYCLES]
"""

import cProfile
import pstats
import re
import sys
import time
from collections import Counter

from sqlalchemy import event

from bench import people
from bench.servers import migrated_app, stores
from phonebank.core.db import db


def main(cycles: int = 300) -> None:
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            _, link = people.build(20_000)
            engine = db.engine
        statements: Counter[str] = Counter()

        @event.listens_for(engine, "before_cursor_execute")
        def count(_c, _cur, statement, *_):
            statements[re.sub(r"\s+", " ", statement)[:150]] += 1

        client = app.test_client()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(link).text)
        assert token
        headers = {"Accept": "application/json", "X-CSRFToken": token[1]}
        assert client.post(link, json={"first_name": "Sam"}, headers=headers).status_code == 201
        person = client.post("/calling/next", json={}, headers=headers).get_json()["person"]

        def run_cycles(times: int) -> float:
            nonlocal person
            began = time.perf_counter()
            for _ in range(times):
                path = f"/calling/person/{person['call_id']}/outcome?turn={person['turn']}"
                answer = client.post(path, json={"outcome": "no_answer"}, headers=headers)
                person = answer.get_json()["person"]
            return (time.perf_counter() - began) / times * 1000

        run_cycles(50)
        statements.clear()
        cpu = time.process_time()
        print(f"{run_cycles(cycles):.2f} ms a cycle", end=", ")
        print(f"{(time.process_time() - cpu) / cycles * 1000:.2f} ms of them in this process")
        for statement, times in statements.most_common():
            if times >= cycles / 50:
                print(f"{times / cycles:5.2f}  {statement}")
        profile = cProfile.Profile()
        profile.enable()
        run_cycles(cycles)
        profile.disable()
        pstats.Stats(profile).sort_stats("cumulative").print_stats(90)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
