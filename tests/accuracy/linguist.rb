# Says of each path on standard input (relative to the folder that is the argument) what GitHub's linguist says of the file.
require "json"
require "linguist"

STDIN.each_line(chomp: true) do |path|
  blob = Linguist::FileBlob.new(File.join(ARGV[0], path), ARGV[0])
  puts JSON.generate([path, blob.language&.name, blob.generated? ? true : false])
end
