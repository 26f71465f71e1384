"""What OpenPBS and Torque answer, written after their documentation: qstat -f, qstat -Q -f, pbsnodes -a."""

FOLDED = (
    "PBS_O_HOME=/home/me,PBS_O_LANG=C.UTF-8,PBS_O_LOGNAME=me,\n"
    "\tPBS_O_PATH=/usr/local/bin:/usr/bin:/bin,PBS_O_SHELL=/bin/bash,\n"
    "\tPBS_O_WORKDIR=/home/me/.cache/calibench/jobs/7,PBS_O_QUEUE=workq"
)


def job(state: str, **values: str) -> str:
    """`qstat -f` of one job of OpenPBS in a state; a `_` in a name of `values` that follows `List` is a dot."""
    told = {
        "Job_Name": "calibench-7",
        "Job_Owner": "me@login",
        "job_state": state,
        "queue": "workq",
        "server": "login",
        "Checkpoint": "u",
        "ctime": "Thu Nov 26 12:00:00 2026",
        "Join_Path": "oe",
        "Output_Path": "login:/home/me/.cache/calibench/jobs/7/queue.txt",
        "Priority": "0",
        "Rerunable": "False",
        "Resource_List.mem": "4096mb",
        "Resource_List.ncpus": "4",
        "Resource_List.nodect": "1",
        "Resource_List.select": "1:ncpus=4:mem=4096mb",
        "Resource_List.walltime": "00:30:00",
        "substate": "10",
        "Variable_List": FOLDED,
    } | values
    rows = "".join(f"    {key} = {value}\n" for key, value in told.items() if value)
    return f"Job Id: 1234.login\n{rows}\n"


RAN = "Job run at Thu Nov 26 at 12:01 on (node07:ncpus=4:mem=4194304kb)"
QUEUED = job("Q", comment="Not Running: Insufficient amount of resource: ncpus")
NEVER = job("Q", comment="Can Never Run: Insufficient amount of resource: ncpus (R: 400 A: 64 T: 64)")
HELD = job("H", Hold_Types="u")
RUNNING = job("R", comment=RAN, exec_host="node07/0*4")
SUSPENDED = job("S", comment=RAN)
EXITING = job("E", comment=RAN)
FINISHED = job("F", comment=f"{RAN} and finished", Exit_status="0", substate="92")
FAILED = job("F", comment=f"{RAN} and failed", Exit_status="3", substate="93")
WALLTIME = job("F", comment=f"{RAN} and exceeded resource walltime", Exit_status="-29", substate="93")
MEMORY = job("F", comment=f"{RAN} and exceeded resource mem", Exit_status="-27", substate="93")
DELETED = job("F", comment=f"{RAN} and terminated", Exit_status="271", substate="91")
DELETED_WAITING = job("F", comment="Not Running: Insufficient amount of resource: ncpus and terminated", substate="91")
KILLED = job("F", comment=f"{RAN} and failed", Exit_status="265", substate="93")
NODE_LOST = job("F", comment=f"{RAN} and failed", Exit_status="-4", substate="93")
TORQUE_DONE = job("C", comment="", exit_status="0")
FOLDED_COMMENT = job("Q", comment="Not Running: Insufficient amount of resource: mem\n\t (R: 9gb A: 8gb T: 8gb)")

QUEUES = """\
Queue: workq
    queue_type = Execution
    total_jobs = 2
    state_count = Transit:0 Queued:1 Held:0 Waiting:0 Running:1 Exiting:0 Begun:0
    resources_max.walltime = 24:00:00
    resources_assigned.ncpus = 4
    enabled = True
    started = True

Queue: route
    queue_type = Route
    enabled = True
    started = True

Queue: night
    queue_type = Execution
    enabled = True
    started = False

Queue: old
    queue_type = Execution
    enabled = False
    started = False

"""
NODES = """\
node07
     Mom = node07
     ntype = PBS
     state = free
     pcpus = 64
     resources_available.amx = True
     resources_available.arch = linux
     resources_available.host = node07
     resources_available.mem = 131072000kb
     resources_available.ncpus = 64
     resources_assigned.ncpus = 4

node08
     Mom = node08
     state = down,offline
     resources_available.arch = linux
     resources_available.ncpus = 32

"""
TORQUE_NODES = """\
s001-n001
     state = free
     np = 2
     properties = core,tower,skylake,ram32gb
     ntype = cluster

s001-n002
     state = job-exclusive
     np = 2
     properties = xeon,skl,ram192gb
     ntype = cluster

"""
