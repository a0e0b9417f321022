--- Keys that do one thing when they can, and otherwise what they did before.

local api = vim.api

local M = {}

--- What a key is mapped to in Insert mode for the whole editor, as it stands at this moment.
---@param key string
---@return vim.api.keyset.get_keymap?
local function global_mapping(key)
  local raw = vim.keycode(key)
  for _, mapping in ipairs(api.nvim_get_keymap('i')) do
    if mapping.lhsraw == raw then
      return mapping
    end
  end
end

--- Runs a mapping as far as it is code.
---@param mapping vim.api.keyset.get_keymap
---@return string keys What it types.
local function run(mapping)
  if mapping.expr == 1 then
    local keys ---@type string
    if mapping.callback then
      keys = mapping.callback() or ''
    else
      keys = vim.fn.eval(vim.keycode(mapping.rhs))
    end
    return mapping.replace_keycodes == 1 and vim.keycode(keys) or keys
  elseif mapping.callback then
    mapping.callback()
    return ''
  end
  return vim.keycode(mapping.rhs)
end

--- Does what a mapping does, or what the bare key does if there is none.
---@param mapping vim.api.keyset.get_keymap?
---@param key string
local function press(mapping, key)
  local keys = mapping and run(mapping) or vim.keycode(key)
  local remap = mapping and mapping.noremap == 0
  -- It comes before whatever has been typed ahead.
  api.nvim_feedkeys(keys, remap and 'im' or 'in', false)
end

--- Maps `key` in Insert mode of a buffer.
---@param key string
---@param act fun(): boolean Acts if it can.
---@param buf integer
---@param what string
function M.map(key, act, buf, what)
  local description = what .. ' (dgemma)'
  local own = vim.fn.maparg(key, 'i', false, true) ---@type table<string, any>
  if own.desc == description then
    return
  end
  local shadowed = own.buffer == 1 and own or nil
  vim.keymap.set('i', key, function()
    if not act() then
      press(shadowed or global_mapping(key), key)
    end
  end, { buf = buf, desc = description })
end

--- Maps keys in Normal mode of a buffer for a while.
---@param buf integer
---@param actions table<string, fun()> By key.
---@return fun() release Gives them back to what they were mapped to.
function M.borrow(buf, actions)
  local shadowed = {} ---@type table<string, table<string, any>>
  api.nvim_buf_call(buf, function()
    for key in pairs(actions) do
      shadowed[key] = vim.fn.maparg(key, 'n', false, true)
    end
  end)
  for key, act in pairs(actions) do
    vim.keymap.set('n', key, act, { buf = buf, nowait = true, desc = 'dgemma' })
  end
  return function()
    if not api.nvim_buf_is_valid(buf) then
      return
    end
    for key, own in pairs(shadowed) do
      pcall(vim.keymap.del, 'n', key, { buf = buf })
      if own.buffer == 1 then
        api.nvim_buf_call(buf, function()
          vim.fn.mapset('n', false, own)
        end)
      end
    end
    shadowed = {}
  end
end

return M
