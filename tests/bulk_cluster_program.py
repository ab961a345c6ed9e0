"""A Ray cluster of two machines, of processes here, one of which is lost in the middle of the work.

    python bulk_cluster_program.py INDEX_FOLDER PARTS_FOLDER

Computes the features of an index by the cluster's address, and kills the second machine when it has begun a part.
Prints how many parts were made, how many machines were left, and the parts' paths.
"""

import os
import sys
import threading
import time
from pathlib import Path

os.environ |= {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}

import ray
from ray.cluster_utils import Cluster

from keras_stt.bulk.engine import Engine, make_missing
from keras_stt.bulk.features import LogMel
from keras_stt.bulk.parts import divide
from keras_stt.bulk.rows import Rows
from keras_stt.bulk.work import JOURNAL

MACHINE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
SOON = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 4}


def node_of(process: int) -> int:
    """The process that started another: of a worker its machine's raylet."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def lose_when_at_work(cluster, machine, folder: Path) -> None:
    """Kills a machine when one of its workers has begun a part."""
    raylet = machine.all_processes["raylet"][0].process.pid
    while True:
        for journal in folder.glob(f"*{JOURNAL}"):
            try:
                worker = int(journal.read_text().split()[1])
                if node_of(worker) == raylet:
                    cluster.remove_node(machine, allow_graceful=False)
                    os.kill(worker, 9)
                    return
            except (OSError, IndexError):
                continue
        time.sleep(0.01)


def main(index: str, folder: Path) -> None:
    cluster = Cluster(
        initialize_head=True, head_node_args={**MACHINE, "include_dashboard": False, "_system_config": SOON}
    )
    lost = cluster.add_node(**MACHINE)
    work, rows = LogMel((index,), 80), Rows((index,))
    parts = divide(range(len(rows)), rows.identities(), 1, folder, work.identity())
    folder.mkdir()
    killer = threading.Thread(target=lose_when_at_work, args=(cluster, lost, folder), daemon=True)
    killer.start()
    made = make_missing(work, parts, Engine(cluster.address, workers=2), "features")
    killer.join(timeout=10)
    print(made, len(cluster.worker_nodes), *(part.path for part in parts))
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
