-- Wireshark dissector for the wire of Thecal, an emulated drug pump. Not a medical device; not for clinical use.
--
-- It reads captures that "thecal … --capture FILE" writes: link type USER0, a packet is a piece of the byte stream.
-- Frames are put together for each direction and shown in the packet that completes them. With a key log (preference
-- "thecal.keylog") sealed records are opened, their seals verified. The tables of messages are generated from the code.

local here = __DIR__ and __DIR__ .. "/" or debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
local tables = dofile(here .. "thecal_tables.lua")
local seal = dofile(here .. "thecal_seal.lua")

local thecal = Proto("thecal", "Thecal (emulated pump, not for clinical use)")

-- --- Lookups made of the tables ------------------------------------------------------------------------------------

local FRAME = tables.frame
local types, enumerations, layouts, messages, message_names = {}, {}, {}, {}, {}
local SEALED
for _, type in ipairs(FRAME.types) do types[type.number] = type end
for _, enumeration in ipairs(tables.enumerations) do
    local names = {}
    for _, member in ipairs(enumeration.members) do names[member.number] = member.name end
    enumerations[enumeration.name] = names
end
for _, record in ipairs(tables.records) do layouts[record.name] = record end
for _, message in ipairs(tables.messages) do
    messages[message.number], message_names[message.number] = message, message.name
    if message.name == "Sealed" then SEALED = message.number end
end
local RESET, RESET_ACK, DATA, NAK = "RESET", "RESET_ACK", "DATA", "NAK"

-- --- Fields --------------------------------------------------------------------------------------------------------

local type_names = {}
for number, type in pairs(types) do type_names[number] = type.kind .. " from " .. type.sender end

local fields = {
    damaged = ProtoField.string("thecal.damaged", "Damaged bytes, failed check"),
    damaged_bytes = ProtoField.bytes("thecal.damaged.bytes", "Bytes between the delimiters"),
    continued = ProtoField.bytes("thecal.continued", "Part of a frame that a later packet completes"),
    frame = ProtoField.bytes("thecal.frame", "Frame"),
    version = ProtoField.uint8("thecal.version", "Version"),
    type = ProtoField.uint8("thecal.type", "Type", base.HEX, type_names),
    seq = ProtoField.uint16("thecal.seq", "Sequence number"),
    length = ProtoField.uint16("thecal.length", "Length of the payload"),
    crc = ProtoField.uint32("thecal.crc", "CRC-32/AUTOSAR, correct", base.HEX),
    epoch = ProtoField.uint32("thecal.epoch", "Epoch", base.HEX),
    nak = ProtoField.uint8("thecal.nak.reason", "Reason", base.DEC, enumerations.NakReason),
    message = ProtoField.uint8("thecal.message", "Message", base.HEX, message_names),
    session = ProtoField.bytes("thecal.session", "Opened with the keys of session"),
    malformed = ProtoField.string("thecal.malformed", "Malformed"),
    reply_in = ProtoField.framenum("thecal.reply_in", "Reply in", base.NONE, frametype.RESPONSE),
    request_in = ProtoField.framenum("thecal.request_in", "Reply to the request in", base.NONE, frametype.REQUEST),
    repeats = ProtoField.framenum("thecal.repeats", "Same frame as in", base.NONE, frametype.RETRANS_PREV),
    reply_time = ProtoField.relative_time("thecal.reply_time", "Time since the request"),
}

local NUMBERS = { ProtoField.uint8, ProtoField.uint16, [4] = ProtoField.uint32, [8] = ProtoField.uint64 }
local FLAG = { [0] = "no", [1] = "yes" }

-- The fields of messages and records, by "<record>.<field>" as in the filter, without "thecal." before it.
local message_fields = {}
for _, list in ipairs({ tables.records, tables.messages }) do
    for _, layout in ipairs(list) do
        for _, field in ipairs(layout.fields) do
            local path = (layout.name .. "." .. field.name):lower()
            local name, filter = field.name:gsub("_", " "), "thecal." .. path
            if field.kind == "number" then
                local names = field.flag and FLAG or enumerations[field.enumeration]
                message_fields[path] = NUMBERS[field.octets](filter, name, base.DEC, names, nil, field.meaning)
            elseif field.kind == "text" then
                message_fields[path] = ProtoField.string(filter, name, base.UNICODE, field.meaning)
            elseif field.kind == "bytes" or field.kind == "rest" then
                message_fields[path] = ProtoField.bytes(filter, name, base.NONE, field.meaning)
            end
        end
    end
end

local all = {}
for _, field in pairs(fields) do all[#all + 1] = field end
for _, field in pairs(message_fields) do all[#all + 1] = field end
thecal.fields = all

local damage = ProtoExpert.new("thecal.damage", "bytes that are no frame", expert.group.CHECKSUM, expert.severity.WARN)
local misfit = ProtoExpert.new("thecal.misfit", "cannot be read", expert.group.MALFORMED, expert.severity.ERROR)
thecal.experts = { damage, misfit }
thecal.prefs.keylog = Pref.string("Key log", "", "File that \"thecal --keylog\" wrote; opens sealed records")

local direction_of = Field.new("frame.packet_flags_direction")

-- --- Frames out of bytes -------------------------------------------------------------------------------------------

local crc_table = {}
for index = 0, 255 do
    local crc = index
    for _ = 1, 8 do
        local odd = crc % 2 == 1
        crc = math.floor(crc / 2)
        if odd then crc = bit.bxor(crc, 0xC8DF352F) % 0x100000000 end -- F4ACFB13, reflected
    end
    crc_table[index] = crc
end

local function crc32_autosar(text)
    local crc = 0xFFFFFFFF
    for place = 1, #text do
        local index = bit.bxor(crc % 256, text:byte(place))
        crc = bit.bxor(math.floor(crc / 256), crc_table[index]) % 0x100000000
    end
    return bit.bxor(crc, 0xFFFFFFFF) % 0x100000000
end

-- Undo the byte stuffing; nil for what COBS does not write, or not in its shortest form.
local function unstuffed(text)
    local pieces, at = {}, 1
    while at <= #text do
        local code = text:byte(at)
        local piece = text:sub(at + 1, at + code - 1)
        if #piece < code - 1 then return nil end
        at = at + code
        pieces[#pieces + 1] = piece
        if at <= #text and code < 255 then pieces[#pieces + 1] = "\0" end
        if at == #text and code == 255 and text:byte(at) == 1 then return nil end
    end
    return table.concat(pieces)
end

local function number_at(text, at, octets)
    local number = 0
    for place = at + octets - 1, at, -1 do number = number * 256 + text:byte(place) end
    return number
end

-- Return the packet, or nil and the first check that the bytes fail; the checks of the specification in its order.
local function checked(encoded)
    if #encoded > FRAME.max_encoded then return nil, "overlong" end
    if #encoded < FRAME.min_encoded then return nil, "short" end
    local packet = unstuffed(encoded)
    if not packet then return nil, "stuffing" end
    local length = number_at(packet, 5, 2)
    if length ~= #packet - 10 or length > FRAME.max_payload then return nil, "length" end
    if crc32_autosar(packet:sub(1, -5)) ~= number_at(packet, #packet - 3, 4) then return nil, "checksum" end
    if packet:byte(1) ~= FRAME.version then return nil, "version" end
    if not types[packet:byte(2)] then return nil, "kind" end
    return packet
end

-- --- What is remembered of a capture -------------------------------------------------------------------------------

local streams, pieces_of, exchanges, secrets, keylog_size

local function hex_bytes(text)
    return (text:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- Read the key log if it has grown since the last time, as it does in a live capture; say whether it had.
local function read_keylog()
    local file = thecal.prefs.keylog ~= "" and io.open(thecal.prefs.keylog)
    if not file then return false end
    local size = file:seek("end")
    if size == keylog_size then
        file:close()
        return false
    end
    file:seek("set")
    secrets, keylog_size = {}, size
    for line in file:lines() do
        local session, _, to_pump, to_programmer = line:match("^THECAL_SESSION (%x+) (%l+) (%x+) (%x+)%s*$")
        if session and #session == 16 and #to_pump == 64 and #to_programmer == 64 then
            secrets[#secrets + 1] = { session = hex_bytes(session), programmer = hex_bytes(to_pump),
                pump = hex_bytes(to_programmer) } -- each key under the name of who seals with it
        end
    end
    file:close()
    return true
end

local function forget_keys()
    secrets, keylog_size = {}, -1
end

function thecal.init()
    streams, pieces_of, exchanges = {}, {}, {}
    forget_keys()
end

thecal.prefs_changed = forget_keys

-- Cut a packet's bytes at the delimiters, behind what earlier packets of this direction have left.
local function cut(direction, data)
    local stream = streams[direction] or { partial = "" }
    streams[direction] = stream
    local pieces, at = {}, 1
    if stream.discarding then
        local delimiter = data:find("\0", 1, true)
        if not delimiter then return { rest = 0 } end
        stream.discarding, at = false, delimiter + 1
    end
    while true do
        local delimiter = data:find("\0", at, true)
        local piece = stream.partial .. data:sub(at, (delimiter or 0) - 1)
        if not delimiter then
            stream.partial = piece
            break
        end
        if piece ~= "" then pieces[#pieces + 1] = piece end
        stream.partial, at = "", delimiter + 1
    end
    if #stream.partial > FRAME.max_encoded then
        pieces[#pieces + 1] = stream.partial
        stream.partial, stream.discarding = "", true
    end
    pieces.rest = math.min(#stream.partial, #data - at + 1)
    return pieces
end

-- What UTF-8 allows, by first byte: no overlong forms, no surrogates, nothing above U+10FFFF.
local UTF8 = {
    "^[\1-\127]", "^%z", "^[\194-\223][\128-\191]", "^\224[\160-\191][\128-\191]", "^\237[\128-\159][\128-\191]",
    "^[\225-\236\238\239][\128-\191][\128-\191]", "^\240[\144-\191][\128-\191][\128-\191]",
    "^[\241-\243][\128-\191][\128-\191][\128-\191]", "^\244[\128-\143][\128-\191][\128-\191]",
}

local function is_utf8(text)
    local at = 1
    while at <= #text do
        local behind
        for _, pattern in ipairs(UTF8) do
            local _, last = text:find(pattern, at)
            if last then behind = last + 1 break end
        end
        if not behind then return false end
        at = behind
    end
    return true
end

-- --- Messages ------------------------------------------------------------------------------------------------------

-- Add the fields of a message or record at a place; return the place behind them, or nil and what is wrong.
local function add_fields(layout, tree, buffer, at)
    for _, field in ipairs(layout.fields) do
        local left, proto_field = buffer:len() - at, message_fields[(layout.name .. "." .. field.name):lower()]
        local octets, problem = field.octets, nil
        if field.kind == "rest" then octets = left end
        if field.kind == "text" or field.kind == "list" then
            if left < 1 then return nil, "message ends inside " .. field.name end
            octets = buffer(at, 1):uint()
            if octets > field.most then return nil, field.name .. " is too long" end
            at, left = at + 1, left - 1
        end
        if field.kind == "record" or field.kind == "list" then
            for index = 1, field.kind == "list" and octets or 1 do
                local title = field.name:gsub("_", " ") .. (field.kind == "list" and " " .. index or "")
                local branch = tree:add(buffer(at, 0), title)
                local from = at
                at, problem = add_fields(layouts[field.record], branch, buffer, at)
                if not at then return nil, problem end
                branch:set_len(at - from)
            end
        else
            if octets > left then return nil, "message ends inside " .. field.name end
            if field.kind == "number" then
                local item = tree:add_le(proto_field, buffer(at, octets))
                if field.unit then item:append_text(" " .. field.unit) end
                local names = field.flag and FLAG or enumerations[field.enumeration]
                if names and not names[buffer(at, octets):le_uint()] then return nil, field.name .. " is no such number" end
            elseif octets == 0 and field.kind == "text" then
                tree:add(proto_field, buffer(at - 1, 1), "")
            elseif field.kind == "text" then
                if not is_utf8(buffer:raw(at, octets)) then return nil, field.name .. " is not UTF-8" end
                tree:add_packet_field(proto_field, buffer(at, octets), ENC_UTF_8 + ENC_STRING)
            elseif octets > 0 then
                tree:add(proto_field, buffer(at, octets))
            end
            at = at + octets
        end
    end
    return at
end

local function misfits(tree, problem)
    tree:add(fields.malformed, problem):set_generated()
    tree:add_proto_expert_info(misfit, problem)
end

-- Open a sealed record with whichever session's key fits; the seal names no session.
local function opened(record, sender)
    local counter = record:sub(2, 9)
    local nonce = (sender == "pump" and "\1" or "\0") .. "\0\0\0" .. counter
    for place, secret in ipairs(secrets) do
        local inner = seal.open(secret[sender], nonce, record:sub(10), secret.session .. nonce)
        if inner then
            table.insert(secrets, 1, table.remove(secrets, place))
            return inner, secret.session
        end
    end
    if read_keylog() then return opened(record, sender) end
end

-- Add a message to the tree; return its name.
local function add_message(buffer, tree, sender, is_record)
    if buffer:len() == 0 then
        misfits(tree, "an empty message has no type")
        return "malformed"
    end
    local number = buffer(0, 1):uint()
    local layout = messages[number]
    local branch = tree:add(buffer(0), layout and layout.name or "Unknown message")
    branch:add(fields.message, buffer(0, 1))
    if not layout then
        misfits(branch, "no message has this number")
        return "malformed"
    end
    local at, problem = add_fields(layout, branch, buffer, 1)
    if at and at < buffer:len() then problem = (buffer:len() - at) .. " bytes too many" end
    if problem then
        misfits(branch, problem)
        return layout.name .. " (malformed)"
    end
    if not is_record or number ~= SEALED then return layout.name end
    local inner, session = opened(buffer:raw(), sender)
    if not inner then return "Sealed" end
    branch:add(fields.session, ByteArray.new(session, true):tvb("Session")()):set_generated()
    if inner == "" then
        misfits(branch, "an empty message has no type")
        return "malformed"
    end
    return add_message(ByteArray.new(inner, true):tvb("Opened message"), branch, sender, false)
end

-- --- Frames --------------------------------------------------------------------------------------------------------

-- Say which packets hold the request and the reply of the same epoch and number.
local function match(tree, pinfo, kind, sender, epoch, seq)
    if kind == NAK then return end
    local key = (kind == DATA and "DATA " .. seq or "RESET") .. " " .. epoch
    local exchange = exchanges[key] or {}
    exchanges[key] = exchange
    local mine = sender == "programmer" and "request" or "reply"
    if not exchange[mine] then exchange[mine], exchange[mine .. "_time"] = pinfo.number, pinfo.abs_ts end
    if exchange[mine] ~= pinfo.number then tree:add(fields.repeats, exchange[mine]):set_generated() end
    if mine == "request" and exchange.reply then
        tree:add(fields.reply_in, exchange.reply):set_generated()
    elseif mine == "reply" and exchange.request then
        tree:add(fields.request_in, exchange.request):set_generated()
        local seconds = math.max(pinfo.abs_ts - exchange.request_time, 0)
        local whole = math.floor(seconds)
        local time = NSTime.new(whole, math.floor((seconds - whole) * 1e9))
        tree:add(fields.reply_time, time):set_generated()
    end
end

local PAYLOADS = { [RESET] = 4, [RESET_ACK] = 4, [NAK] = 5 }

-- Add one intact frame to the tree; return its summary.
local function add_frame(buffer, tree, pinfo)
    local type, seq, length = types[buffer(1, 1):uint()], buffer(2, 2):le_uint(), buffer(4, 2):le_uint()
    local kind, sender = type.kind, type.sender
    pinfo.cols.src, pinfo.cols.dst = sender, sender == "pump" and "programmer" or "pump"
    local arrow = sender == "pump" and "programmer <- pump" or "programmer -> pump"
    local branch = tree:add(fields.frame, buffer(0)):set_text(("Frame %s %s seq %d"):format(arrow, kind, seq))
    branch:add(fields.version, buffer(0, 1))
    branch:add(fields.type, buffer(1, 1))
    branch:add_le(fields.seq, buffer(2, 2))
    branch:add_le(fields.length, buffer(4, 2))
    branch:add_le(fields.crc, buffer(6 + length, 4))
    if length < 4 or (PAYLOADS[kind] or length) ~= length then
        misfits(branch, "the payload does not fit its kind")
        return kind .. " (malformed)"
    end
    local at = kind == NAK and 7 or 6
    if kind == NAK then
        branch:add(fields.nak, buffer(6, 1))
        if not enumerations.NakReason[buffer(6, 1):uint()] then misfits(branch, "no such reason") end
    end
    branch:add_le(fields.epoch, buffer(at, 4))
    match(branch, pinfo, kind, sender, buffer(at, 4):le_uint(), seq)
    if kind ~= DATA then return kind end
    if length == 4 then
        misfits(branch, "an empty message has no type")
        return "malformed"
    end
    return add_message(buffer(10, length - 4):tvb(), branch, sender, true)
end

local function add_damaged(encoded, check, tree)
    local buffer = ByteArray.new(encoded, true):tvb("Damaged bytes")
    local item = tree:add(fields.damaged, check)
    item:add(fields.damaged_bytes, buffer(0, math.min(#encoded, FRAME.max_encoded)))
    item:add_proto_expert_info(damage, "no frame: " .. check)
end

function thecal.dissector(buffer, pinfo, root)
    local direction = direction_of()
    if not pinfo.visited and not pieces_of[pinfo.number] then
        pieces_of[pinfo.number] = cut(direction and direction.value or 0, buffer:raw())
    end
    local pieces = pieces_of[pinfo.number] or { rest = 0 }
    local tree = root:add(thecal, buffer())
    local summaries = {}
    for _, piece in ipairs(pieces) do
        local packet, check = checked(piece)
        if packet then
            summaries[#summaries + 1] = add_frame(ByteArray.new(packet, true):tvb("Unstuffed frame"), tree, pinfo)
        else
            add_damaged(piece, check, tree)
            summaries[#summaries + 1] = "damaged (" .. check .. ")"
        end
    end
    if pieces.rest > 0 then tree:add(fields.continued, buffer(buffer:len() - pieces.rest)) end
    pinfo.cols.protocol = "Thecal"
    pinfo.cols.info = #summaries > 0 and table.concat(summaries, ", ") or "part of a frame"
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, thecal)
