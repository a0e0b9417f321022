if vim.g.loaded_dgemma then
  return
end
vim.g.loaded_dgemma = true

if vim.fn.has('nvim-0.12') == 0 then
  local message = 'dgemma needs Neovim 0.12 or newer, which has inline completion; it stays off.'
  vim.notify(message, vim.log.levels.WARN)
  return
end

vim.api.nvim_create_autocmd('LspAttach', {
  group = vim.api.nvim_create_augroup('dgemma', {}),
  desc = 'Show the suggestions of dgemma-lsp',
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'dgemma' then
      require('dgemma').attach(event.buf)
    end
  end,
})

vim.api.nvim_create_user_command('Dgemma', function(command)
  require('dgemma.command').run(command.args, command.bang)
end, {
  bang = true,
  nargs = 1,
  desc = 'Restart dgemma-lsp, or show its log or its status',
  complete = function(typed)
    return require('dgemma.command').complete(typed)
  end,
})

vim.lsp.enable('dgemma')
