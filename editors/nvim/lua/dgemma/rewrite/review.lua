--- The hunks of a rewrite while the user decides on each: drawn, accepted, rejected.
---
--- The hunks belong to one state of the buffer; where anything but an accepted hunk has changed it, nothing is applied.

local api = vim.api
local client = require('dgemma.client')
local hunk = require('dgemma.hunks.hunk')
local preview = require('dgemma.hunks.preview')

local M = {}

local LEGEND_LINES = 2 -- As many as its keys take in a window of 80 columns.

local namespace = api.nvim_create_namespace('dgemma.review')

---@class dgemma.Review
---@field buf integer
---@field candidates dgemma.Hunk[][] Each as its hunks, in order; the best first.
---@field chosen integer The candidate that is shown.
---@field open dgemma.Hunk[] Its hunks that are not decided on.
---@field current integer The one of them that is decided on next.
---@field accepted boolean Whether any was accepted.
---@field version integer Of the buffer, that the hunks belong to.
local Review = {}
Review.__index = Review

---@param buf integer
---@param candidates dgemma.Hunk[][]
---@return dgemma.Review
function M.new(buf, candidates)
  local review = setmetatable({
    buf = buf,
    candidates = candidates,
    accepted = false,
    version = client.version(buf),
  }, Review)
  review:choose(1)
  return review
end

--- Whether the buffer is not what the hunks are for any more.
---@return boolean
function Review:is_stale()
  return client.version(self.buf) ~= self.version
end

--- Draws what is open, and goes to the hunk that is decided on next.
function Review:draw()
  self:clear()
  for _, each in ipairs(self.open) do
    preview.draw(self.buf, namespace, each)
  end
  local present = self.open[self.current]
  if present and self.buf == api.nvim_get_current_buf() then
    local indent = #hunk.line_at(self.buf, present.row):match('^%s*')
    api.nvim_win_set_cursor(0, { present.row + 1, math.max(present.col, indent) })
    vim.cmd.normal({ 'zv', bang = true })
    -- What comes is drawn below; it should be on the screen as well, above the line with the keys.
    local height = present.end_row - present.row + #present.lines
    local window = api.nvim_win_get_height(0)
    if vim.fn.winline() + height + LEGEND_LINES > window then
      vim.cmd.normal({ height < window / 2 and 'zz' or 'zt', bang = true })
    end
  end
end

function Review:clear()
  if api.nvim_buf_is_valid(self.buf) then
    api.nvim_buf_clear_namespace(self.buf, namespace, 0, -1)
  end
end

--- Shows another candidate, the last one being followed by the first.
---@param index integer
function Review:choose(index)
  self.chosen = (index - 1) % #self.candidates + 1
  self.open = vim.list_slice(self.candidates[self.chosen])
  self.current = 1
  self:draw()
end

--- Goes to another hunk.
---@param count integer Negative to go back.
function Review:move(count)
  self.current = (self.current + count - 1) % #self.open + 1
  self:draw()
end

---@param index integer
local function take_out(self, index)
  local taken = table.remove(self.open, index)
  self.current = math.min(self.current, #self.open)
  return taken
end

--- Leaves a hunk out.
function Review:reject()
  take_out(self, self.current)
  self:draw()
end

--- Applies a hunk, as a part of one change to undo.
---@param index integer
local function apply(self, index)
  if self.accepted then
    vim.cmd.undojoin()
  end
  local applied = take_out(self, index)
  hunk.apply(self.buf, applied)
  for i = index, #self.open do
    self.open[i] = hunk.moved(self.open[i], applied)
  end
  self.accepted = true
  self.version = client.version(self.buf)
end

--- Applies the hunk that is decided on. Not where the review is stale.
function Review:accept()
  apply(self, self.current)
  self:draw()
end

--- Applies all that are open. Not where the review is stale.
function Review:accept_all()
  while #self.open > 0 do
    apply(self, 1)
  end
  self:draw()
end

return M
