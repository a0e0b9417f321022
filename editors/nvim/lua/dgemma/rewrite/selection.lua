--- What is to be rewritten, as a part of a buffer.

local api = vim.api
local hunk = require('dgemma.hunks.hunk')

local M = {}

---@class dgemma.Range In rows and bytes from 0; empty where it means the statement that it stands in.
---@field row integer
---@field col integer
---@field end_row integer
---@field end_col integer Exclusive.

--- The cursor, as an empty part.
---@return dgemma.Range
function M.at_cursor()
  local row, col = unpack(api.nvim_win_get_cursor(0))
  return { row = row - 1, col = col, end_row = row - 1, end_col = col }
end

--- Whole lines.
---@param first integer From 1.
---@param last integer
---@return dgemma.Range
local function of_lines(first, last)
  return { row = first - 1, col = 0, end_row = last - 1, end_col = #hunk.line_at(0, last - 1) }
end

--- What was last selected in Visual mode: characters where it was these, else whole lines.
---@return dgemma.Range
function M.visual()
  local _, first, col = unpack(vim.fn.getpos("'<"))
  local _, last, end_col = unpack(vim.fn.getpos("'>"))
  if vim.fn.visualmode() ~= 'v' then
    return of_lines(first, last)
  end
  local line = hunk.line_at(0, last - 1)
  if vim.o.selection == 'exclusive' then
    end_col = end_col - 1
  else
    -- The last character belongs to it, with what is combined with it.
    end_col = end_col - 1 + #vim.fn.matchstr(line:sub(end_col), '^.')
  end
  local start = math.min(col - 1, #hunk.line_at(0, first - 1))
  return { row = first - 1, col = start, end_row = last - 1, end_col = math.min(end_col, #line) }
end

--- What a command was given: its range, or the cursor.
---@param command vim.api.keyset.create_user_command.command_args
---@return dgemma.Range
function M.of_command(command)
  if command.range == 0 then
    return M.at_cursor()
  end
  -- A command is not told whether its range was the selection; its lines tell.
  if
    command.range == 2
    and command.line1 == vim.fn.line("'<")
    and command.line2 == vim.fn.line("'>")
  then
    return M.visual()
  end
  return of_lines(command.line1, command.line2)
end

return M
