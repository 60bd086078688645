-- ChaCha20-Poly1305 (RFC 8439) in plain Lua, for opening sealed records: the Lua of many Wireshark versions has no
-- cipher. It is as slow as it is simple, and takes no care against timing: good for reading a capture, nothing else.

local bit = bit -- Wireshark brings this library
local bxor, rol, tobit = bit.bxor, bit.rol, bit.tobit

local seal = {}

-- Little-endian word of four bytes at a place, and back.
local function word(text, at)
    local a, b, c, d = text:byte(at, at + 3)
    return tobit(a + b * 0x100 + c * 0x10000 + d * 0x1000000)
end

local function word_bytes(number)
    number = number % 0x100000000
    local bytes = {}
    for place = 1, 4 do
        bytes[place] = string.char(number % 0x100)
        number = math.floor(number / 0x100)
    end
    return table.concat(bytes)
end

-- --- ChaCha20 ----------------------------------------------------------------------------------------------------

local function quarter_round(s, a, b, c, d)
    s[a] = tobit(s[a] + s[b]) s[d] = rol(bxor(s[d], s[a]), 16)
    s[c] = tobit(s[c] + s[d]) s[b] = rol(bxor(s[b], s[c]), 12)
    s[a] = tobit(s[a] + s[b]) s[d] = rol(bxor(s[d], s[a]), 8)
    s[c] = tobit(s[c] + s[d]) s[b] = rol(bxor(s[b], s[c]), 7)
end

-- One block of 64 bytes of the key stream.
local function key_stream(key, nonce, counter)
    local start = { word("expa", 1), word("nd 3", 1), word("2-by", 1), word("te k", 1) }
    for place = 1, 29, 4 do start[#start + 1] = word(key, place) end
    start[#start + 1] = counter
    for place = 1, 9, 4 do start[#start + 1] = word(nonce, place) end
    local s = {}
    for place = 1, 16 do s[place] = start[place] end
    for _ = 1, 10 do
        quarter_round(s, 1, 5, 9, 13) quarter_round(s, 2, 6, 10, 14)
        quarter_round(s, 3, 7, 11, 15) quarter_round(s, 4, 8, 12, 16)
        quarter_round(s, 1, 6, 11, 16) quarter_round(s, 2, 7, 12, 13)
        quarter_round(s, 3, 8, 9, 14) quarter_round(s, 4, 5, 10, 15)
    end
    local bytes = {}
    for place = 1, 16 do bytes[place] = word_bytes(s[place] + start[place]) end
    return table.concat(bytes)
end

local function decrypt(key, nonce, text)
    local bytes = {}
    for block = 0, math.floor((#text - 1) / 64) do
        local stream = key_stream(key, nonce, block + 1)
        for place = 1, math.min(64, #text - block * 64) do
            bytes[#bytes + 1] = string.char(bxor(text:byte(block * 64 + place), stream:byte(place)))
        end
    end
    return table.concat(bytes)
end

-- --- Poly1305: numbers of 130 bits in ten limbs of 13 bits, so that no product leaves a double's exact integers ---

local LIMB = 8192

local function limbs(text)
    local number, pending, bits = {}, 0, 0
    for place = 1, #text do
        pending = pending + text:byte(place) * 2 ^ bits
        bits = bits + 8
        if bits >= 13 then
            number[#number + 1] = pending % LIMB
            pending, bits = math.floor(pending / LIMB), bits - 13
        end
    end
    number[#number + 1] = pending
    while #number < 10 do number[#number + 1] = 0 end
    return number
end

-- Carry upwards; what passes 2^130 comes back five times, because 2^130 = 5 modulo the prime.
local function carried(number)
    for _ = 1, 2 do
        local carry = 0
        for place = 1, 10 do
            local sum = number[place] + carry
            number[place], carry = sum % LIMB, math.floor(sum / LIMB)
        end
        number[1] = number[1] + 5 * carry
    end
    return number
end

local function product(left, right)
    local result = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
    for i = 1, 10 do
        for j = 1, 10 do
            local place, times = i + j - 1, 1
            if place > 10 then place, times = place - 10, 5 end
            result[place] = result[place] + times * left[i] * right[j]
        end
    end
    return carried(result)
end

-- Subtract the prime 2^130 - 5 if the number is not below it.
local function reduced(number)
    local rest, carry = {}, 5
    for place = 1, 10 do
        local sum = number[place] + carry
        rest[place], carry = sum % LIMB, math.floor(sum / LIMB)
    end
    return carry > 0 and rest or number
end

function seal.tag_of(key, text)
    local clamped = {}
    for place = 1, 16 do
        local byte = key:byte(place)
        if place % 4 == 0 then byte = byte % 16 elseif place % 4 == 1 and place > 1 then byte = byte - byte % 4 end
        clamped[place] = string.char(byte)
    end
    local factor, sum = limbs(table.concat(clamped)), limbs("")
    for at = 1, #text, 16 do
        local block = limbs(text:sub(at, at + 15) .. "\1")
        for place = 1, 10 do sum[place] = sum[place] + block[place] end
        sum = product(carried(sum), factor)
    end
    sum = reduced(carried(sum))
    local bytes, pending, bits, carry, next_limb = {}, 0, 0, 0, 1
    for place = 1, 16 do
        while bits < 8 do
            pending = pending + sum[next_limb] * 2 ^ bits
            bits, next_limb = bits + 13, next_limb + 1
        end
        local byte = pending % 256 + key:byte(16 + place) + carry
        pending, bits = math.floor(pending / 256), bits - 8
        bytes[place], carry = string.char(byte % 256), math.floor(byte / 256)
    end
    return table.concat(bytes)
end

-- --- Both together -----------------------------------------------------------------------------------------------

local function padded(text)
    return text .. string.rep("\0", -#text % 16)
end

local function length(text)
    return word_bytes(#text) .. "\0\0\0\0"
end

-- Return what is in the box, or nil if its tag is not of this key, nonce and associated data.
function seal.open(key, nonce, box, associated)
    if #box < 16 then return nil end
    local text, tag = box:sub(1, -17), box:sub(-16)
    local mac_key = key_stream(key, nonce, 0):sub(1, 32)
    if seal.tag_of(mac_key, padded(associated) .. padded(text) .. length(associated) .. length(text)) ~= tag then
        return nil
    end
    return decrypt(key, nonce, text)
end

return seal
