--- The keys of a rewrite: which have a meaning at a moment, and what they do.

local options = require('dgemma.options')

local M = {}

---@alias dgemma.ReviewKey
---| 'accept_all' | 'accept' | 'reject' | 'next' | 'previous' | 'next_candidate' | 'retry' | 'cancel'

---@type {[1]: dgemma.ReviewKey, [2]: string}[]
local LABELS = {
  { 'accept_all', 'accept all' },
  { 'accept', 'accept' },
  { 'reject', 'reject' },
  { 'next', 'next' },
  { 'previous', 'back' },
  { 'next_candidate', 'next candidate' },
  { 'retry', 'retry' },
  { 'cancel', 'cancel' },
}

--- Whether an action makes sense.
---@param name dgemma.ReviewKey
---@param review dgemma.Review? Nil while the rewrite runs.
---@return boolean
local function makes_sense(name, review)
  if not review then
    return name == 'cancel'
  elseif name == 'next' or name == 'previous' then
    return #review.open > 1
  elseif name == 'next_candidate' then
    -- Once a hunk is accepted the others are for a text that is not there any more.
    return #review.candidates > 1 and not review.accepted
  end
  return true
end

--- The keys that have a meaning, in the order in which they are shown.
---@param review dgemma.Review? Nil while the rewrite runs.
---@return {name: dgemma.ReviewKey, key: string, label: string}[]
function M.offered(review)
  local bound = options.get().review_keys
  local keys = {}
  for _, label in ipairs(LABELS) do
    local name, text = unpack(label)
    if bound[name] and makes_sense(name, review) then
      table.insert(keys, { name = name, key = bound[name], label = text })
    end
  end
  return keys
end

--- What is shown beside the keys.
---@param review dgemma.Review? Nil while the rewrite runs.
---@return string
function M.title(review)
  if not review then
    return 'rewriting…'
  end
  local title = ('hunk %d/%d'):format(review.current, #review.open)
  if #review.candidates > 1 and not review.accepted then
    title = ('candidate %d/%d, %s'):format(review.chosen, #review.candidates, title)
  end
  return title
end

--- Does what a key means for the hunks; the review must not be stale.
---@param name dgemma.ReviewKey
---@param review dgemma.Review
function M.decide(name, review)
  if name == 'accept_all' then
    review:accept_all()
  elseif name == 'accept' then
    review:accept()
  elseif name == 'reject' then
    review:reject()
  elseif name == 'next' then
    review:move(1)
  elseif name == 'previous' then
    review:move(-1)
  elseif name == 'next_candidate' then
    review:choose(review.chosen + 1)
  end
end

return M
