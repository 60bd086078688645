"""One sample of every message, with ordinary values: for the test vectors of the documentation."""

from __future__ import annotations

from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    AlarmEntry,
    AlarmsReport,
    BatteryReport,
    CancelBolus,
    ChannelRefusal,
    ClinicianBolus,
    Close,
    Closed,
    CommandReport,
    Commit,
    Drug,
    DrugTotal,
    EnterRefill,
    Hello,
    HelloReply,
    IdentityReport,
    Interrogate,
    LogEntry,
    LogPage,
    Message,
    PatientBolus,
    PatientBolusGrant,
    Prescription,
    PrescriptionReport,
    Prime,
    Prove,
    QueryCommand,
    ReadLog,
    Refused,
    ReservoirReport,
    Schedule,
    ScheduleReport,
    Sealed,
    SelfTest,
    SelfTestReport,
    SetWallClock,
    SilenceAlarms,
    Staged,
    StagePrescription,
    StageSchedule,
    Start,
    Step,
    Stop,
    TherapyReport,
    TotalsReport,
    Welcome,
)
from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay, Picograms, PicogramsPerNanolitre
from protocol.vocabulary import (
    AlarmCode,
    AlarmStatus,
    ChannelReason,
    LogKind,
    Mode,
    Outcome,
    Priority,
    Reason,
    Role,
    Section,
    TherapyState,
)

SERIAL = "TC000042"
LIBRARY = bytes(range(0xA0, 0xB0))
DIGEST = bytes(range(0xD0, 0xE0))
SESSION = bytes(range(0x50, 0x58))
MORNING_MS = 1_700_000_000_000

MORPHINE = Drug(1, PicogramsPerNanolitre.parse("20 mg/mL"), Picograms.parse("0.5 mg"), Picograms.parse("5 mg"))
BUPIVACAINE = Drug(4, PicogramsPerNanolitre.parse("7.5 mg/mL"), Picograms.parse("1 mg"), Picograms.parse("10 mg"))
GRANT = PatientBolusGrant(Nanolitres.parse("5 uL"), Milliseconds.parse("10 min"), Milliseconds.parse("4 h"), 4)
PRESCRIPTION = Prescription(
    Mode.SIMPLE_CONTINUOUS,
    NanolitresPerDay.parse("0.1 mL/day"),
    (MORPHINE, BUPIVACAINE),
    GRANT,
    Nanolitres.parse("2 mL"),
    LIBRARY,
    "µ-opioid tolerant",
)
SCHEDULE = Schedule(
    Milliseconds.parse("8 h"),
    bytes((0, 0, 0, 0, 0, 1, 1)),
    (
        Step(0, Milliseconds(0), NanolitresPerDay.parse("0.1 mL/day")),
        Step(0, Milliseconds.parse("7 h"), NanolitresPerDay.parse("0.15 mL/day")),
        Step(1, Milliseconds(0), NanolitresPerDay.parse("0.12 mL/day")),
    ),
)
NO_TIME = Milliseconds(0)

HANDSHAKE: tuple[Message, ...] = (
    Hello(Role.CLINICIAN, bytes(range(0x10, 0x20))),
    HelloReply(SERIAL, bytes(range(0x20, 0x30)), (3 << 40) + 7, bytes(range(0x80, 0xA0))),
    Prove(Role.CLINICIAN, bytes(range(0x10, 0x20)), (3 << 40) + 7, bytes(range(0x60, 0x80))),
    Sealed(9, bytes(range(0x40, 0x60))),
    ChannelRefusal(ChannelReason.SLOW_DOWN, Milliseconds.parse("4 s")),
)

REQUESTS: tuple[Message, ...] = (
    Interrogate(Section.THERAPY),
    QueryCommand(SESSION),
    ReadLog(1_000),
    StagePrescription(PRESCRIPTION),
    Commit(DIGEST),
    Stop(),
    Start(),
    ClinicianBolus(Nanolitres.parse("25 uL"), Milliseconds.parse("30 min"), ""),
    CancelBolus(),
    PatientBolus(),
    EnterRefill(Nanolitres.parse("3.4 mL"), Nanolitres.parse("20 mL")),
    SetWallClock(MORNING_MS),
    SilenceAlarms(),
    AcknowledgeAlarm(AlarmCode.MOTOR_STALL),
    SelfTest(),
    Close(stopped_acknowledged=True),
    StageSchedule(SCHEDULE),
    Prime(Nanolitres.parse("0.327 mL"), Milliseconds.parse("2 h"), line_emptied=True),
)

REPLIES: tuple[Message, ...] = (
    Welcome(SESSION, Milliseconds.parse("5 min")),
    Accepted(TherapyState.SIMPLE_CONTINUOUS, NanolitresPerDay.parse("0.1 mL/day")),
    Refused(Reason.DAY_LIMIT, 1, Milliseconds.parse("90 min"), Picograms.parse("5 mg")),
    Staged(DIGEST, PRESCRIPTION),
    IdentityReport(
        SERIAL,
        "Thecal 20",
        "peristaltic",
        "0.1.0",
        LIBRARY,
        NanolitresPerDay.parse("48 uL/day"),
        NanolitresPerDay.parse("24 mL/day"),
        NanolitresPerDay.parse("6 uL/day"),
        Nanolitres(250),
        Nanolitres.parse("0.14 mL"),
        Nanolitres.parse("0.2 mL"),
    ),
    PrescriptionReport(True, DIGEST, PRESCRIPTION),
    TherapyReport(
        Milliseconds.parse("30 days"),
        MORNING_MS,
        TherapyState.PATIENT_BOLUS,
        NanolitresPerDay.parse("0.82 mL/day"),
        Nanolitres(1_500),
        Nanolitres(0),
        Milliseconds.parse("4 h"),
        3,
        258,
        NO_TIME,
        Nanolitres(0),
        Nanolitres.parse("0.1 mL"),
    ),
    ReservoirReport(Nanolitres.parse("20 mL"), Nanolitres(16_777_217), Nanolitres.parse("2 mL")),
    BatteryReport(913, 3, False, Milliseconds(900 * 86_400_000)),
    AlarmsReport(
        0b110,
        Milliseconds.parse("15 min"),
        (
            AlarmEntry(AlarmCode.MOTOR_STALL, Priority.CRITICAL, AlarmStatus.ACTIVE, Milliseconds(2_592_000_001)),
            AlarmEntry(
                AlarmCode.RESERVOIR_LOW, Priority.NON_CRITICAL, AlarmStatus.LATCHED, Milliseconds.parse("29 days")
            ),
        ),
    ),
    TotalsReport(
        Nanolitres.parse("3.05 mL"),
        12_200,
        (DrugTotal(1, *(Picograms.parse(text) for text in ("61 mg", "0.2 mg", "2.1 mg", "2 mg", "5 mg"))),),
    ),
    CommandReport(True, 5, ClinicianBolus.TYPE, Outcome.REFUSED, int(Reason.HOUR_LIMIT), Milliseconds(2_592_000_500)),
    LogPage(
        7,
        0x01020305,
        (
            LogEntry(0x01020303, Milliseconds.parse("30 days"), LogKind.SESSION_OPENED, int(Role.CLINICIAN), 0),
            LogEntry(
                0x01020304, Milliseconds(2_592_000_500), LogKind.COMMAND, ClinicianBolus.TYPE, int(Reason.HOUR_LIMIT)
            ),
        ),
    ),
    SelfTestReport(0x0102),
    Closed(),
    ScheduleReport(DIGEST, SCHEDULE),
)
